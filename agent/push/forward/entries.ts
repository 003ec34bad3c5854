import { type ByteInput, needMore } from "./byte-input.ts";
import type { Framer } from "./framer.ts";
import type { LineData } from "./line.ts";

export interface QuickLine extends LineData {
  /** Where the entry ends. */
  readonly end: number;
}

/** The entries of a message, in one of the encodings. */
export interface Entries {
  /** Finds where the next one ends. */
  readonly framer: Framer;
  /** Those that were no events, and are lines as they are. */
  readonly malformed: number;
  /** Passes over what separates entries. @returns where the next begins @throws ForwardError MALFORMED */
  seek(window: Buffer, at: number): number;
  /** Whether there are no more. @param at where one would begin */
  isEnd(window: Buffer, at: number): boolean;
  /**
   * The next one in one go: most are there whole and as they should be, and to look for their end first costs
   * as much again as some of what is read of them.
   *
   * @returns undefined where that cannot be done
   */
  quick(window: Buffer, start: number): QuickLine | undefined;
  /** The line of the next one, which is there whole. @returns good until the next is asked for */
  line(window: Buffer, start: number, end: number): LineData;
  /** The same of one that goes on after the window and is too long for a line in any case. */
  cutLine(window: Buffer): LineData;
}

/** Passes over the rest of a value without holding it. @returns bytes that there were */
export async function passOver(input: ByteInput, framer: Framer): Promise<number> {
  for (let passed = 0; ;) {
    const { window } = input;
    const end = framer.end(window, 0);
    const bytes = end ?? framer.drop(window.length);
    input.consume(bytes);
    passed += bytes;
    if (end !== undefined) return passed;
    await needMore(input);
  }
}
