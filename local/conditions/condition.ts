import { duration } from "../../ops/access/text-table.ts";

/** Amber: something waits, and may come right by itself. Red: it stands still, or needs somebody. */
export type Severity = "amber" | "red";

/** One thing that is not as it should be. */
export interface Condition {
  /** Stays the same while it lasts. */
  readonly id: string;
  readonly severity: Severity;
  /** Two or three words for the state of the whole. */
  readonly headline: string;
  /** What is wrong, to be followed by since when: "S3 has not answered" ... */
  readonly text: string;
  /** ... "for 28 s", or "since 12:04:05". */
  readonly told: "for" | "since";
  readonly detail?: string | undefined;
  readonly sinceMs: number;
  /** Said once it is over. */
  readonly over: string;
}

/** "S3 has not answered for 28 s", "the router failed 3 times in a row since 12:04:05: Runtime.ExitError ..." */
export function sentence({ text, told, detail, sinceMs }: Condition, atMs: number): string {
  const when = told === "for" ? `for ${duration((atMs - sinceMs) / 1_000)}` : `since ${timeOfDay(sinceMs)}`;
  return `${text} ${when}${detail === undefined ? "" : `: ${detail}`}`;
}

/** 12:04:05, here. */
export const timeOfDay = (atMs: number): string => new Date(atMs).toTimeString().slice(0, 8);
