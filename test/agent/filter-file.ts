import type { LineFilter } from "../../agent/framing/line-filter.ts";
import { HEAD, LineFramer, type Resume } from "../../agent/framing/line-framer.ts";
import type { Gap } from "../../wire/provenance.ts";

export interface Kept {
  /** A character for each byte that is sent. */
  readonly text: string;
  readonly offset: number;
  readonly extent: number;
  readonly gap: Gap | undefined;
  readonly after: Resume;
}

/** Frames and filters a whole file, a window at a time. A window must be longer than a line may be. */
export function filterFile(file: Buffer, filter: LineFilter, windowBytes: number, from = HEAD): Kept[] {
  const framer = new LineFramer(filter.framing, from);
  const kept: Kept[] = [];
  let seen = -1;
  while (seen < file.length) {
    const window = file.subarray(framer.offset, framer.offset + windowBytes);
    seen = framer.offset + window.length;
    filter.takeWindow();
    framer.frame(
      window,
      seen === file.length,
      filter.edited(window, ({ start, end, offset, extent, gap, standing }, bytes) => {
        const next = offset + extent;
        const cut = standing === "cut" ? ({ from: next, reason: "too-long", lines: 0 } as const) : undefined;
        const after = { offset: next, standing, gap: cut };
        kept.push({ text: bytes.toString("latin1", start, end), offset, extent, gap, after });
      }),
    );
    if (seen === file.length) break;
  }
  return kept;
}
