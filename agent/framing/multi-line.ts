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
  return (window, from, to) => {
    const line = text.slice(window, from, to);
    // A line that is too long for the pattern to be asked of stands by itself.
    return line.length > pattern.maxChars || pattern.test(line) === isStart;
  };
}
