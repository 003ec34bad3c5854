import type { LineFeed } from "../../../framing/line-feed.ts";
import type { ReadableFile } from "../../../tail/disk/open-file.ts";

/** Longer than any line that is delivered whole. */
const LOOK_BACK_BYTES = 2 ** 20;

/** Whether a line ends right before an offset. */
export async function isLineStart(file: ReadableFile, offset: number, lineFeed: LineFeed): Promise<boolean> {
  return (await lineStart(file, offset, lineFeed, lineFeed.unitBytes)) === offset;
}

/**
 * Where the line begins that an offset is in.
 *
 * @param lookBack bytes before the offset to look through
 * @returns undefined where its beginning is not among them
 */
export async function lineStart(
  file: ReadableFile,
  offset: number,
  lineFeed: LineFeed,
  lookBack: number = LOOK_BACK_BYTES,
): Promise<number | undefined> {
  const start = Math.max(0, offset - lookBack);
  const window = Buffer.alloc(offset - start);
  if ((await file.readAt(window, start)) < window.length) return undefined;
  for (let end = window.length; end > 0; end--) {
    if (lineFeed.isEndOf(window.subarray(0, end), start + end)) return start + end;
  }
  return start === 0 ? 0 : undefined;
}
