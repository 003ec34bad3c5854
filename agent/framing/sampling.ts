import { crc32 } from "node:zlib";
import type { SampleConfig } from "./filter-config.ts";
import type { Pattern } from "../../wire/pattern/pattern.ts";
import { bytePattern } from "./pattern.ts";

/**
 * Whether a line is among those that are kept. Its bytes decide and nothing else does: neither a restart
 * nor another host changes the answer, so what was left out once is left out again.
 */
export class Sampling {
  readonly #limit: number;
  readonly #by: Pattern | undefined;

  constructor({ keep, by }: SampleConfig) {
    this.#limit = keep * 2 ** 32;
    this.#by = by === undefined ? undefined : bytePattern(by);
  }

  keeps(line: string): boolean {
    const isAsked = this.#by !== undefined && line.length <= this.#by.maxChars;
    const found = isAsked ? this.#by?.exec(line) : undefined;
    return crc32(Buffer.from(found?.[1] ?? found?.[0] ?? line, "latin1")) < this.#limit;
  }
}
