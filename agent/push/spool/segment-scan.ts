import type { DurableFile } from "../../machine/durable-fs.ts";
import { decodeFrame } from "./frame.ts";
import { decodeHead, HEAD_BYTES, headMark, type SectionHead } from "./section-head.ts";

const READ_BYTES = 2 ** 20;

/** How far the frames of a segment go. */
export interface Extent {
  /** Offset and lines of the source after the last of them. */
  readonly end: number;
  readonly sourceLines: number;
  /** Of the file, up to there. */
  readonly bytes: number;
}

/**
 * Reads through a segment, checking every frame. What it cannot read, but for the end, it passes over.
 *
 * @param limit where the next segment begins: what comes after was not acknowledged, or is there once more
 */
export async function scanSegment(
  file: DurableFile,
  { sourceId, offset, lines }: SectionHead,
  limit: number,
): Promise<Extent> {
  const buffer = Buffer.allocUnsafe(READ_BYTES);
  let extent: Extent = { end: offset, sourceLines: lines, bytes: HEAD_BYTES };
  let at: number | undefined = HEAD_BYTES;
  while (at !== undefined && extent.end < limit) {
    const window = buffer.subarray(0, await file.read(buffer, at));
    const next = scanWindow(window, at, extent, limit);
    if (next !== extent) at = (extent = next).bytes;
    else at = await findHead(file, sourceId, at + 1, Infinity);
  }
  return extent;
}

/** @returns `from` where the window does not begin with a frame */
function scanWindow(window: Buffer, position: number, from: Extent, limit: number): Extent {
  let extent = from;
  let at = 0;
  while (extent.end < limit) {
    const frame = decodeFrame(window, at);
    if (typeof frame === "string") break;
    const isHead = frame.kind === "head";
    if (isHead && (frame.offset < extent.end || frame.offset > limit)) break;
    at = frame.next;
    extent = {
      end: isHead ? frame.offset : extent.end + frame.extent,
      sourceLines: isHead ? frame.sourceLines : extent.sourceLines + frame.lines,
      bytes: position + at,
    };
  }
  return extent;
}

/** Where in a segment's file, from..to, the next head of its source stands. @returns undefined where there is none */
export async function findHead(
  file: Pick<DurableFile, "read">,
  sourceId: string,
  from: number,
  to: number,
): Promise<number | undefined> {
  const mark = headMark(sourceId);
  const buffer = Buffer.allocUnsafe(READ_BYTES);
  for (let at = from; ;) {
    const room = buffer.subarray(0, Math.min(READ_BYTES, to - at));
    const window = room.subarray(0, await file.read(room, at));
    if (window.length < HEAD_BYTES) return undefined;
    for (let found = window.indexOf(mark); found !== -1; found = window.indexOf(mark, found + 1)) {
      if (decodeHead(window, found)) return at + found;
    }
    at += window.length - HEAD_BYTES + 1;
  }
}
