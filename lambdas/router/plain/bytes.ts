/** ASCII codes. */
export const SPACE = 0x20;
export const QUOTE = 0x22;
export const COMMA = 0x2c;
export const MINUS = 0x2d;
export const POINT = 0x2e;
export const ZERO = 0x30;
export const COLON = 0x3a;
export const DOLLAR = 0x24;
export const OPEN_BRACKET = 0x5b;
export const BACKSLASH = 0x5c;
export const CLOSE_BRACKET = 0x5d;
export const OPEN_BRACE = 0x7b;
export const CLOSE_BRACE = 0x7d;

export function isDigit(byte: number | undefined): boolean {
  return byte !== undefined && byte >= ZERO && byte <= ZERO + 9;
}

/** 1 for printable ASCII that JSON need not escape. */
export const PLAIN = new Uint8Array(256).fill(1, SPACE, 0x7f);
PLAIN[QUOTE] = 0;
PLAIN[BACKSLASH] = 0;

/** Index of the quote that ends the plain text from `at` on, -1 if it is not plain or not closed. */
export function textEnd(bytes: Uint8Array, at: number, end: number): number {
  while (at < end && PLAIN[bytes[at]!] === 1) at++;
  return at < end && bytes[at] === QUOTE ? at : -1;
}

/** Digits that every double keeps. */
const DIGITS_MAX = 15;

/** Zeros after the point from which on JavaScript writes an exponent. */
const ZEROS_MAX = 6;

/**
 * Index after the number at `at`, -1 if there is none or if JavaScript would write it in another way:
 * with an exponent, with zeros at the fraction's end, as 0 instead of -0.
 */
export function numberEnd(bytes: Uint8Array, at: number, end: number): number {
  const first = bytes[at] === MINUS ? at + 1 : at;
  let point = first;
  while (point < end && isDigit(bytes[point])) point++;
  const leadingZero = bytes[first] === ZERO;
  if (point === first || (leadingZero && point > first + 1)) return -1;
  if (bytes[point] !== POINT || point >= end) {
    return point - first > DIGITS_MAX || (leadingZero && first > at) ? -1 : point;
  }
  let to = point + 1;
  while (to < end && isDigit(bytes[to])) to++;
  if (to - first - 1 > DIGITS_MAX || to === point + 1 || bytes[to - 1] === ZERO) return -1;
  let zeros = point + 1;
  while (bytes[zeros] === ZERO) zeros++;
  return leadingZero && zeros - point > ZEROS_MAX ? -1 : to;
}

export function equalBytes(
  a: Uint8Array,
  aFrom: number,
  b: Uint8Array,
  bFrom: number,
  length: number,
): boolean {
  for (let i = 0; i < length; i++) if (a[aFrom + i] !== b[bFrom + i]) return false;
  return true;
}

/** Copies `length` bytes and returns the offset after them. For few bytes a loop beats Uint8Array.set. */
export function copyBytes(
  from: Uint8Array,
  fromAt: number,
  to: Uint8Array,
  toAt: number,
  length: number,
): number {
  for (let i = 0; i < length; i++) to[toAt + i] = from[fromAt + i]!;
  return toAt + length;
}
