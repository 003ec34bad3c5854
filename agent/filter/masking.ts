import type { MaskConfig } from "./filter-config.ts";
import { bytePattern } from "./pattern.ts";

/** Replaces what must not leave the host. */
export class Masking {
  readonly #masks: readonly { readonly pattern: RegExp; readonly replacement: string }[];
  readonly #maxBytes: number;

  /** @param maxBytes a line that replacements make longer is cut here */
  constructor(masks: readonly MaskConfig[], maxBytes: number) {
    this.#masks = masks.map(({ pattern, with: replacement }) => ({
      pattern: bytePattern(pattern, "g"),
      replacement: Buffer.from(replacement, "utf8").toString("latin1"),
    }));
    this.#maxBytes = maxBytes;
  }

  /** @returns the line's bytes with replacements, undefined where there is nothing to replace */
  replace(line: string): Buffer | undefined {
    let masked = line;
    for (const { pattern, replacement } of this.#masks) masked = masked.replace(pattern, replacement);
    return masked === line ? undefined : Buffer.from(masked.slice(0, this.#maxBytes), "latin1");
  }
}
