import { TEXT_MAX_CHARS, TOO_LONG } from "./operators.ts";
import { Failure } from "./value.ts";

/** Longest text that is looked for: finding it may take so many times the length of the text that it is looked for in. */
export const SOUGHT_MAX_CHARS = 256;

/** Most parts that a text is split into. */
const PARTS_MAX = 10_000;

const SOUGHT_TOO_LONG = new Failure(`looks for a text of more than ${SOUGHT_MAX_CHARS} characters`);
const TOO_MANY_PARTS = new Failure(`more than ${PARTS_MAX} parts`);

/** A function of a text and one that is looked for in it. */
export const seeking =
  <T>(find: (text: string, sought: string) => T) =>
  (text: string, sought: string): T | Failure =>
    sought.length > SOUGHT_MAX_CHARS ? SOUGHT_TOO_LONG : find(text, sought);

/** Whole characters from one index to another; what is beyond the text is no error. */
export function substring(text: string, from: number, to = Infinity): string {
  const [start, end] = [from, to].map((at) => boundary(text, Math.max(0, Math.trunc(at))));
  return start! < end! ? text.slice(start, end) : "";
}

/** The index, or the one before it where it lies between the halves of a surrogate pair. */
function boundary(text: string, at: number): number {
  if (at >= text.length) return text.length;
  const isSecondHalf = (text.charCodeAt(at) & 0xfc00) === 0xdc00;
  return isSecondHalf && at > 0 && (text.charCodeAt(at - 1) & 0xfc00) === 0xd800 ? at - 1 : at;
}

export function replace(text: string, sought: string, replacement: string): string | Failure | undefined {
  if (sought.length > SOUGHT_MAX_CHARS) return SOUGHT_TOO_LONG;
  if (sought === "") return undefined;
  let length = text.length;
  for (let at = text.indexOf(sought); at >= 0; at = text.indexOf(sought, at + sought.length)) {
    length += replacement.length - sought.length;
    if (length > Math.max(TEXT_MAX_CHARS, text.length)) return TOO_LONG;
  }
  return text.replaceAll(sought, () => replacement);
}

export function split(text: string, separator: string): string[] | Failure | undefined {
  if (separator.length > SOUGHT_MAX_CHARS) return SOUGHT_TOO_LONG;
  if (separator === "") return undefined;
  const parts = text.split(separator, PARTS_MAX + 1);
  return parts.length > PARTS_MAX ? TOO_MANY_PARTS : parts;
}

export function join(list: readonly unknown[], separator = ""): string | Failure | undefined {
  let length = separator.length * list.length;
  for (const part of list) {
    if (typeof part !== "string") return undefined;
    length += part.length;
    if (length > TEXT_MAX_CHARS) return TOO_LONG;
  }
  return list.join(separator);
}

/** Texts longer than these are no number that anyone has written. */
const NUMBER_MAX_CHARS = 400;
const NUMBER = /^[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d{1,3})?$/;

/** @returns undefined for what is no number, or one beyond any double */
export function parseNumber(text: string): number | undefined {
  if (text.length > NUMBER_MAX_CHARS || !NUMBER.test(text)) return undefined;
  const number = Number(text);
  return Number.isFinite(number) ? number : undefined;
}

/** @param digits after the point, kept */
export function round(value: number, digits = 0): number {
  const scaled = Math.abs(value) * 10 ** digits;
  const rounded = Math.round(scaled) / 10 ** digits;
  return Number.isFinite(rounded) ? Math.sign(value) * rounded : value;
}
