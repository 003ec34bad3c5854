import type { MultiLineConfig } from "./filter-config.ts";
import type { LineText } from "./line-text.ts";
import { bytePattern } from "./pattern.ts";

/** Says of a line that is not a file's first whether it begins an event. */
export function beginsEvent(
  { start, continuation }: MultiLineConfig,
  text: LineText,
): (window: Buffer, start: number, end: number) => boolean {
  const pattern = bytePattern(start ?? continuation!);
  const isStart = start !== undefined;
  return (window, from, to) => pattern.test(text.slice(window, from, to)) === isStart;
}
