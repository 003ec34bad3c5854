import type { Emit, LineFilter } from "../filter/line-filter.ts";
import type { Run } from "./line-framer.ts";

/** How the lines of a file are read. */
export interface Reading {
  readonly tag: string;
  readonly filter: LineFilter;
  /** The last event of several lines has ended after this long without growth. */
  readonly multiLineIdleMs: number | undefined;
  /** Undefined where nothing holds it back. */
  readonly bytesPerSecond: number | undefined;
}

/** Take what framing gives: lines one by one, or runs of them where nothing is done with each. */
export interface Emitters {
  readonly line: Emit;
  readonly run: (run: Run) => void;
}
