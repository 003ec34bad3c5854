import { MARK_ESCAPE, MARK_WIDE } from "../layout";

export const SPACE: u32 = 0x20;
export const QUOTE: u32 = 0x22;
export const COMMA: u32 = 0x2c;
export const MINUS: u32 = 0x2d;
export const POINT: u32 = 0x2e;
export const ZERO: u32 = 0x30;
export const COLON: u32 = 0x3a;
export const DOLLAR: u32 = 0x24;
export const OPEN_BRACKET: u32 = 0x5b;
export const BACKSLASH: u32 = 0x5c;
export const CLOSE_BRACKET: u32 = 0x5d;
export const OPEN_BRACE: u32 = 0x7b;
export const CLOSE_BRACE: u32 = 0x7d;

/** Marks of the text that `textEnd` looked at last. */
export let marks: i32 = 0;

export function isDigit(byte: u32): bool {
  return byte - ZERO <= 9;
}

/** Index of the first byte that is not printable ASCII, or a quote or backslash; `end` if there is none. */
export function plainEnd(at: i32, end: i32): i32 {
  for (; at < end; at += 16) {
    const bytes = v128.load(at);
    const outside = i8x16.ge_u(i8x16.sub(bytes, i8x16.splat(0x20)), i8x16.splat(0x5f));
    const special = v128.or(i8x16.eq(bytes, i8x16.splat(0x22)), i8x16.eq(bytes, i8x16.splat(0x5c)));
    const mask = i8x16.bitmask(v128.or(outside, special));
    if (mask !== 0) return min(at + ctz(mask), end);
  }
  return end;
}

/**
 * Index of the quote that ends the JSON text from `at` on; -1 if none does, or if JavaScript would write it in another
 * way: its escapes are those of JSON.stringify, and its characters of several bytes are UTF-8.
 */
export function textEnd(at: i32, end: i32): i32 {
  marks = 0;
  for (at = plainEnd(at, end); at < end; at = plainEnd(at, end)) {
    const byte: u32 = load<u8>(at);
    if (byte === QUOTE) return at;
    if (byte === BACKSLASH) {
      if (!isShortEscape(load<u8>(at + 1))) return -1;
      marks += MARK_ESCAPE;
      at += 2;
    } else {
      const length = characterBytes(at, end);
      if (length === 0) return -1;
      marks |= MARK_WIDE;
      at += length;
    }
  }
  return -1;
}

/** `\"`, `\\`, `\b`, `\f`, `\n`, `\r` and `\t`, which cannot be written in another way but at length. */
function isShortEscape(letter: u32): bool {
  if (letter === QUOTE || letter === BACKSLASH) return true;
  return letter === 0x62 || letter === 0x66 || letter === 0x6e || letter === 0x72 || letter === 0x74;
}

/** Bytes of the character at `at`, which is of several; 0 where it is not UTF-8. source: RFC 3629, section 4 */
export function characterBytes(at: i32, end: i32): i32 {
  const first: u32 = load<u8>(at);
  const second: u32 = load<u8>(at + 1);
  if (first < 0xc2 || first > 0xf4) return 0;
  const length = first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
  if (at + length > end || !isContinued(second)) return 0;
  if (first === 0xe0 && second < 0xa0) return 0;
  if (first === 0xed && second > 0x9f) return 0;
  if (first === 0xf0 && second < 0x90) return 0;
  if (first === 0xf4 && second > 0x8f) return 0;
  if (length > 2 && !isContinued(load<u8>(at + 2))) return 0;
  return length > 3 && !isContinued(load<u8>(at + 3)) ? 0 : length;
}

function isContinued(byte: u32): bool {
  return (byte & 0xc0) === 0x80;
}

export function equals(a: i32, b: i32, length: i32): bool {
  const end = a + length;
  for (; a + 16 <= end; a += 16, b += 16) {
    if (v128.any_true(v128.xor(v128.load(a), v128.load(b)))) return false;
  }
  const rest = end - a;
  return rest === 0 || (i8x16.bitmask(i8x16.ne(v128.load(a), v128.load(b))) & ((1 << rest) - 1)) === 0;
}

/** @returns address after the copy; up to 15 bytes from there on are overwritten */
export function copy(from: i32, to: i32, length: i32): i32 {
  const end = to + length;
  for (; to < end; to += 16, from += 16) v128.store(to, v128.load(from));
  return end;
}
