import type { SectionHead } from "./section-head.ts";
import type { Extent } from "./segment-scan.ts";

/** A stretch of the source in a file of its own. It holds the source's bytes [offset, end). */
export interface Segment {
  readonly path: string;
  /** Under which it was written; the source may have gone on under another id since. */
  readonly sourceId: string;
  readonly offset: number;
  end: number;
  /** Lines of the source before it. */
  readonly firstLine: number;
  lines: number;
  /** Of the file, up to the last frame that is synced. What may come after is none of it. */
  bytes: number;
  /** By us, or is about to be. */
  isRemoved: boolean;
}

export function segment(path: string, head: SectionHead, { end, sourceLines, bytes }: Extent): Segment {
  const { sourceId, offset, lines: firstLine } = head;
  return { path, sourceId, offset, end, firstLine, lines: sourceLines - firstLine, bytes, isRemoved: false };
}
