import { randomBytes } from "node:crypto";
import type { DurableFs } from "../machine/durable-fs.ts";

const LEAST_BYTES = 64 * 2 ** 10;

/** A file that takes room on the disk, to be given up for what must be written when others have filled it. */
export class DiskReserve {
  readonly #path: string;
  readonly #fs: DurableFs;
  #bytes = 0;

  constructor(path: string, fs: DurableFs) {
    this.#path = path;
    this.#fs = fs;
  }

  /** Has room for so much, and as much again. Where the disk has none to keep, there is no reserve. */
  async keep(bytes: number): Promise<void> {
    const wanted = Math.max(LEAST_BYTES, 2 ** Math.ceil(Math.log2(2 * bytes)));
    if (this.#bytes >= wanted) return;
    try {
      await this.release();
      const file = await this.#fs.create(this.#path);
      try {
        // Zeros may take no room, where the file system compresses.
        await file.write(randomBytes(wanted), 0);
        await file.datasync();
        this.#bytes = wanted;
      } finally {
        await file.close();
      }
    } catch {
      await this.#fs.remove(this.#path).catch(() => {});
    }
  }

  /** @returns whether there was something to give up */
  async release(): Promise<boolean> {
    const hadRoom = this.#bytes > 0;
    this.#bytes = 0;
    await this.#fs.remove(this.#path);
    return hadRoom;
  }
}
