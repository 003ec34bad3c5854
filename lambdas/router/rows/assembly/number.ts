import { isDigit, MINUS, POINT, ZERO } from "./text";

/** Digits that every double keeps. */
const DIGITS_MAX = 15;

/** Zeros after the point from which on JavaScript writes an exponent. */
const ZEROS_MAX = 6;

function digitsEnd(at: i32, end: i32): i32 {
  while (at < end && isDigit(load<u8>(at))) at++;
  return at;
}

/** Finds what numberEnd of plain/bytes.ts does: the index after the number, -1 if JavaScript would write it in another way. */
export function numberEnd(at: i32, end: i32): i32 {
  const first = load<u8>(at) === MINUS ? at + 1 : at;
  const point = digitsEnd(first, end);
  const leadingZero = load<u8>(first) === ZERO;
  if (point === first || (leadingZero && point > first + 1)) return -1;
  if (point >= end || load<u8>(point) !== POINT) {
    return point - first > DIGITS_MAX || (leadingZero && first > at) ? -1 : point;
  }
  const to = digitsEnd(point + 1, end);
  if (to - first - 1 > DIGITS_MAX || to === point + 1 || load<u8>(to - 1) === ZERO) return -1;
  return leadingZero && zerosFrom(point + 1) >= ZEROS_MAX ? -1 : to;
}

function zerosFrom(at: i32): i32 {
  let zeros = at;
  while (load<u8>(zeros) === ZERO) zeros++;
  return zeros - at;
}

/** Digits before and after the point, outer zeros not counted, of the number that `decimalEnd` looked at last. */
export let integerDigits: i32 = 0;
export let fractionDigits: i32 = 0;

/**
 * Index after what is left of the number in [at, end) without zeros at the fraction's end, -1 if it is none, or one that
 * is written in another way.
 */
export function decimalEnd(at: i32, end: i32): i32 {
  const first = load<u8>(at) === MINUS ? at + 1 : at;
  const point = digitsEnd(first, end);
  const leadingZero = load<u8>(first) === ZERO;
  if (point === first || (leadingZero && point > first + 1)) return -1;
  integerDigits = leadingZero ? 0 : point - first;
  fractionDigits = 0;
  let to = point;
  if (point < end) {
    if (load<u8>(point) !== POINT || point + 1 === end || digitsEnd(point + 1, end) !== end) return -1;
    to = end;
    while (load<u8>(to - 1) === ZERO) to--;
    if (to === point + 1) to = point;
    else fractionDigits = to - point - 1;
  }
  if (end - first > DIGITS_MAX) return -1;
  const isZero = leadingZero && fractionDigits === 0;
  return isZero && first > at ? -1 : to;
}

/** Whether JavaScript writes the number at `at`, which begins with a zero, with an exponent. */
export function isTiny(at: i32): bool {
  const first = load<u8>(at) === MINUS ? at + 1 : at;
  return load<u8>(first) === ZERO && fractionDigits > 0 && zerosFrom(first + 2) >= ZEROS_MAX;
}

/** Writes the digits of a number below 2^53. @returns address after them */
export function writeDigits(at: i32, value: u64): i32 {
  if (value < 100_000_000) return writeShort(at, <u32>value, digitsOf(<u32>value));
  const high = value / 100_000_000;
  return writeShort(writeDigits(at, high), <u32>(value - high * 100_000_000), 8);
}

/** Writes the digits of a number of 32 bits. */
export function writeUint32(at: i32, value: u32): i32 {
  return writeShort(at, value, digitsOf(value));
}

function digitsOf(value: u32): i32 {
  if (value < 10_000) return value < 100 ? (value < 10 ? 1 : 2) : value < 1_000 ? 3 : 4;
  if (value < 100_000_000) {
    return value < 1_000_000 ? (value < 100_000 ? 5 : 6) : value < 10_000_000 ? 7 : 8;
  }
  return value < 1_000_000_000 ? 9 : 10;
}

function writeShort(at: i32, value: u32, digits: i32): i32 {
  for (let i = at + digits - 1; i >= at; i--) {
    const rest = value / 10;
    store<u8>(i, ZERO + value - rest * 10);
    value = rest;
  }
  return at + digits;
}
