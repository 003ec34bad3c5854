import type { MaskConfig } from "./filter-config.ts";
import type { Pattern } from "../../wire/pattern/pattern.ts";
import { bytePattern } from "./pattern.ts";

/** Sent for what cannot be searched through: too long for a pattern that backtracks, or full of matches. */
const UNSEARCHED = "***";

/** Replaces what must not leave the host. */
export class Masking {
  readonly #masks: readonly { readonly pattern: Pattern; readonly replacement: string }[];
  readonly #maxBytes: number;

  /** @param maxBytes a line that replacements make longer is cut here */
  constructor(masks: readonly MaskConfig[], maxBytes: number) {
    this.#masks = masks.map(({ pattern, with: replacement }) => ({
      pattern: bytePattern(pattern, true),
      replacement: Buffer.from(replacement, "utf8").toString("latin1"),
    }));
    this.#maxBytes = maxBytes;
  }

  /** @returns the line's bytes with replacements, undefined where there is nothing to replace */
  replace(line: string): Buffer | undefined {
    let masked = line;
    for (const { pattern, replacement } of this.#masks) {
      const isAsked = masked.length <= pattern.maxChars;
      masked = isAsked ? pattern.replaceAll(masked, replacement, UNSEARCHED) : UNSEARCHED;
    }
    return masked === line ? undefined : Buffer.from(masked.slice(0, this.#maxBytes), "latin1");
  }
}
