import type { Run } from "./line-framer.ts";

/** Lines of one source that follow one another: line feeds divide them, unless they are one event. */
export interface FramedRun<Origin> {
  /** Source of the lines, and what to tell once they are delivered. */
  readonly origin: Origin;
  /** What the run's start and end count in. */
  readonly bytes: Buffer;
  readonly run: Run;
  /** One event, which may hold line feeds of its own. */
  readonly isEvent: boolean;
}

/** What was framed at once, in the order of its source. It is good only until the next block is asked for. */
export interface Block<Origin> {
  readonly runs: readonly FramedRun<Origin>[];
  /** Bytes of the source that were read for it; of files, those that were left out among them. */
  readonly extent: number;
}

/** Takes what framing gives: runs of lines, or event by event where something is done with each. */
export type TakeRun = (run: Run, bytes: Buffer, isEvent: boolean) => void;
