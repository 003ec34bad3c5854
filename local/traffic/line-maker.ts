import type { RejectReason } from "../../wire/reject.ts";
import type { Random } from "./random.ts";

/** Writes one line, without its line feed. `at` is its event time. */
export type WriteLine = (random: Random, at: Date) => string;

/** Makes the lines of one log type of the sample weir.config.ts. */
export interface LineMaker {
  readonly type: string;
  /** A line that must become a row. */
  readonly line: WriteLine;
  /** Lines that must be rejected, and for which reason. */
  readonly bad: readonly { readonly reason: RejectReason; readonly line: WriteLine }[];
}

/** A text of `length` characters that compresses about as badly as real ones do. */
export function filler(random: Random, length: number): string {
  let text = "";
  while (text.length < length) text += random.below(2 ** 32).toString(36);
  return text.slice(0, length);
}
