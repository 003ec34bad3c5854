import { closeSync, constants, fstatSync, openSync, read, readSync } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { dirname } from "node:path";
import { promisify } from "node:util";
import { isLocal } from "./file-system.ts";
import { type FileIdentity, sameFile } from "./file-identity.ts";
import { type FileStat, fileStat } from "./file-stat.ts";

/**
 * What was just written is in memory: reading as much takes less than handing it to another thread does, and it is what
 * comes in a poll of a file that grows by 2 MB a second.
 */
export const READ_AT_ONCE_BYTES = 512 * 2 ** 10;

/** A pipe that has taken the name meanwhile would have us wait for a writer. */
const READ_ONLY = constants.O_RDONLY | constants.O_NONBLOCK;

const BIGINT = { bigint: true } as const;

const readInThread = promisify(read);

/** What can be read at offsets. */
export interface ReadableFile {
  /** @returns how much of the buffer there was to fill it with */
  readAt(buffer: Buffer, offset: number): Promise<number>;
  stat(path: string): Promise<FileStat>;
  close(): Promise<void>;
}

/** A file that is open for reading. Where its file system answers at once, it is asked at once. */
export class OpenFile implements ReadableFile {
  /** A bare descriptor where it is local. */
  readonly #handle: FileHandle | number;

  /** @returns undefined when another file, or none, is at the path @throws when it cannot be read */
  static async open(path: string, file: FileIdentity): Promise<OpenFile | undefined> {
    const opened = new OpenFile(isLocal(dirname(path)) ? openSync(path, READ_ONLY) : await open(path));
    const isSame = await opened.stat(path).then(
      (found) => sameFile(found.file, file),
      () => false,
    );
    if (isSame) return opened;
    await opened.close();
    return undefined;
  }

  private constructor(handle: FileHandle | number) {
    this.#handle = handle;
  }

  /** @returns how much of the buffer there was to fill it with */
  async readAt(buffer: Buffer, offset: number): Promise<number> {
    const handle = this.#handle;
    if (typeof handle !== "number") return (await handle.read(buffer, 0, buffer.length, offset)).bytesRead;
    if (buffer.length <= READ_AT_ONCE_BYTES) return readSync(handle, buffer, 0, buffer.length, offset);
    return (await readInThread(handle, buffer, 0, buffer.length, offset)).bytesRead;
  }

  /** As it is now, wherever it is. */
  async stat(path: string): Promise<FileStat> {
    const handle = this.#handle;
    const isBare = typeof handle === "number";
    return fileStat(path, isBare ? fstatSync(handle, BIGINT) : await handle.stat(BIGINT));
  }

  async close(): Promise<void> {
    if (typeof this.#handle === "number") closeSync(this.#handle);
    else await this.#handle.close();
  }
}

/** @returns undefined when it is not there any more, or cannot be read */
export async function openAsFound({
  path,
  file,
}: Pick<FileStat, "path" | "file">): Promise<OpenFile | undefined> {
  // Gone or closed to us: nothing of it can be read, and so nothing be delivered twice.
  return OpenFile.open(path, file).catch(() => undefined);
}
