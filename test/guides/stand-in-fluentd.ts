import { open, readdir, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";

/** Reads the files of a directory as Fluentd does, and keeps a pos_file in its format. */
export class StandInFluentd {
  readonly #directory: string;
  readonly #posFile: string;
  /** Lines that it has sent on. */
  readonly sent: string[] = [];

  constructor(directory: string, posFile: string) {
    this.#directory = directory;
    this.#posFile = posFile;
  }

  /** Reads every file to the end of its last line. Like Fluentd, it looks for no rotated names. */
  async read(): Promise<void> {
    const entries: string[] = [];
    const known = await readFile(this.#posFile, "utf8").catch(() => "");
    for (const name of await readdir(this.#directory)) {
      if (!name.endsWith(".log")) continue;
      const path = join(this.#directory, name);
      const ino = hex((await stat(path)).ino);
      const at = new RegExp(`^${path}\t([0-9a-f]{16})\t${ino}$`, "m").exec(known)?.[1] ?? "0";
      entries.push(`${path}\t${hex(await this.#readOn(path, Number.parseInt(at, 16)))}\t${ino}\n`);
    }
    await writeFile(this.#posFile, entries.join(""));
  }

  async #readOn(path: string, offset: number): Promise<number> {
    await using file = await open(path);
    const { size } = await file.stat();
    const { buffer, bytesRead } = await file.read(Buffer.alloc(size - offset), 0, size - offset, offset);
    const end = buffer.lastIndexOf(10, bytesRead - 1) + 1;
    this.sent.push(...buffer.toString("utf8", 0, end).split("\n").slice(0, -1));
    return offset + end;
  }
}

function hex(value: number): string {
  return value.toString(16).padStart(16, "0");
}
