/** A line that holds no event: a blank one, a comment, a header. It is counted as filtered. */
export const SKIPPED = Symbol("skipped");
export type Skipped = typeof SKIPPED;
