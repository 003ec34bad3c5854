import * as z from "zod";

/** A place in the log: of the next entry to read. Part of every consumer's saved state. */
export const cursorSchema = z.strictObject({
  segment: z.int().min(1),
  /** Entries of the segment before it. */
  index: z.int().min(0),
});

export type Cursor = Readonly<z.output<typeof cursorSchema>>;

export const LOG_BEGINNING: Cursor = { segment: 1, index: 0 };

/** Negative when `a` comes first. */
export function compareCursors(a: Cursor, b: Cursor): number {
  return a.segment - b.segment || a.index - b.index;
}
