import type { LineFilter } from "../../framing/line-filter.ts";

/** How the lines of a file are read. */
export interface Reading {
  readonly tag: string;
  readonly filter: LineFilter;
  /** The last event of several lines has ended after this long without growth. */
  readonly multiLineIdleMs: number | undefined;
  /** Undefined where nothing holds it back. */
  readonly bytesPerSecond: number | undefined;
}
