import { grouped } from "./figures.js";

/** What this page tells in words of its own. */

/** 1 load, 2 loads */
export const counted = (value, one, many = `${one}s`) => `${grouped(value)} ${value === 1 ? one : many}`;

/** 1:05, 1:02:05 */
export function clock(seconds) {
  const parts = [Math.floor(seconds / 3_600), Math.floor(seconds / 60) % 60, Math.floor(seconds) % 60];
  const text = parts.map((part) => String(part).padStart(2, "0")).join(":");
  return text.replace(/^00:0?/, "");
}
