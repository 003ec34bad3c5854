import { join } from "node:path";
import type { Logger } from "pino";
import { systemReason } from "../../agent-error.ts";
import type { DurableFile, DurableFs } from "../../machine/durable-fs.ts";

/** Of a torn tail, what people would look at. */
const TAIL_BYTES = 2 ** 20;
/** Segments without a head that are kept: of more, the oldest go. */
const KEPT_CORRUPT = 4;

/** Keeps what is no part of the spool, for people to look at. */
export class Quarantine {
  /** Torn tails and corrupt segments that were found, and set aside where that could be. */
  found = 0;
  readonly #fs: DurableFs;
  readonly #directory: string;
  readonly #log: Logger;

  constructor(fs: DurableFs, directory: string, log: Logger) {
    this.#fs = fs;
    this.#directory = directory;
    this.#log = log;
  }

  /** Keeps all of a segment whose head the disk has spoilt: it may hold what was acknowledged and not delivered. */
  async segment(path: string): Promise<void> {
    this.found++;
    const aside = path.replace(/spool$/, "corrupt");
    this.#log.error({ path, aside }, "the segment's head is corrupt: what it holds cannot be delivered");
    try {
      await this.#fs.rename(path, aside);
      for (const name of (await this.#names(".corrupt")).slice(0, -KEPT_CORRUPT)) await this.#remove(name);
    } catch (error) {
      this.#log.warn({ path: aside, reason: systemReason(error) }, "the segment could not be set aside");
    }
  }

  /** Keeps a copy of bytes that are no frames, those of the latest crash. */
  async tail(path: string, file: DurableFile, from: number): Promise<void> {
    const bytes = Buffer.alloc(TAIL_BYTES);
    const tail = bytes.subarray(0, await file.read(bytes, from));
    if (tail.length === 0) return;
    this.found++;
    const aside = path.replace(/spool$/, "torn");
    this.#log.warn({ path, from, aside }, "the segment has a torn tail");
    try {
      for (const name of await this.#names(".torn")) await this.#remove(name);
      const copy = await this.#fs.create(aside);
      await copy.write(tail, 0);
      await copy.close();
    } catch (error) {
      this.#log.warn({ path: aside, reason: systemReason(error) }, "the torn tail could not be set aside");
    }
  }

  /** Oldest first. */
  async #names(ending: string): Promise<string[]> {
    const names = await this.#fs.list(this.#directory);
    return names.filter((name) => name.endsWith(ending)).sort();
  }

  async #remove(name: string): Promise<void> {
    await this.#fs.remove(join(this.#directory, name));
  }
}
