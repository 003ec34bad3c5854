import { readSync } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { dirname } from "node:path";
import { isLocal } from "./file-system.ts";
import { type FileIdentity, identify, sameFile } from "./file-identity.ts";
import { type Sighting, sighting } from "./sighting.ts";

/** What was just written is in memory: reading as much takes less than handing it to another thread does. */
const READ_AT_ONCE_BYTES = 64 * 2 ** 10;

/** A file that is open for reading. */
export class OpenFile {
  readonly #handle: FileHandle;
  readonly #isLocal: boolean;

  /** @returns undefined when another file, or none, is at the path @throws when it cannot be read */
  static async open(path: string, file: FileIdentity): Promise<OpenFile | undefined> {
    const handle = await open(path);
    const isSame = await handle.stat({ bigint: true }).then(
      (stat) => sameFile(identify(stat), file),
      () => false,
    );
    if (isSame) return new OpenFile(handle, isLocal(dirname(path)));
    await handle.close();
    return undefined;
  }

  private constructor(handle: FileHandle, isLocal: boolean) {
    this.#handle = handle;
    this.#isLocal = isLocal;
  }

  /** @returns how much of the buffer there was to fill it with */
  async readAt(buffer: Buffer, offset: number): Promise<number> {
    if (this.#isLocal && buffer.length <= READ_AT_ONCE_BYTES) {
      return readSync(this.#handle.fd, buffer, 0, buffer.length, offset);
    }
    return (await this.#handle.read(buffer, 0, buffer.length, offset)).bytesRead;
  }

  /** As it is now, wherever it is. */
  async sight(path: string): Promise<Sighting> {
    return sighting(path, await this.#handle.stat({ bigint: true }));
  }

  close(): Promise<void> {
    return this.#handle.close();
  }
}

/** @returns undefined when it is not there any more, or cannot be read */
export async function openSighted({
  path,
  file,
}: Pick<Sighting, "path" | "file">): Promise<OpenFile | undefined> {
  // Gone or closed to us: nothing of it can be read, and so nothing be delivered twice.
  return OpenFile.open(path, file).catch(() => undefined);
}
