import { numberText } from "../parse/fields.ts";
import { type Instant, instantBefore, instantOf } from "./instant.ts";

/**
 * epoch := [ "-" ] digits [ "." digits ] [ ("e" | "E") [ "+" | "-" ] digits ]
 *
 * Read by digits, since 1.1 * 1000 is not 1100.
 */
const EPOCH = /^(-?)(\d{1,24})(?:\.(\d{1,24}))?(?:[eE]([+-]?\d{1,2}))?$/;

/** Powers of ten from each unit to a microsecond. */
export const EPOCH_UNITS = { seconds: 6, millis: 3, micros: 0, nanos: -3 } as const;

/** Digits of microseconds up to the year 9999. */
const MAX_DIGITS = 18;
const MAX_SAFE_DIGITS = 15;

/** @param unit power of ten from the unit to a microsecond, or what tells it from the number of whole units */
export function parseEpoch(
  value: unknown,
  unit: number | ((wholeDigits: number) => number),
): Instant | undefined {
  const [, sign, whole, fraction = "", exponent] = EPOCH.exec(numberText(value) ?? "") ?? [];
  if (whole === undefined) return undefined;
  const isWhole = fraction === "" && exponent === undefined && whole.length <= MAX_SAFE_DIGITS;
  if (unit === EPOCH_UNITS.millis && isWhole)
    return (sign === "-" ? instantBefore : instantOf)(Number(whole), 0);
  const digits = (whole + fraction).replace(/^0+/, "");
  const zeros = whole.length + fraction.length - digits.length;
  const wholeDigits = whole.length + Number(exponent ?? 0) - zeros;
  const length = wholeDigits + (typeof unit === "number" ? unit : unit(wholeDigits));
  if (length > MAX_DIGITS) return undefined;
  const micros = length <= 0 ? "0" : digits.slice(0, length).padEnd(length, "0");
  return (sign === "-" ? instantBefore : instantOf)(Number(micros.slice(0, -3)), Number(micros.slice(-3)));
}

/**
 * The unit by magnitude: numbers of up to eleven digits are seconds (until the year 5138), of up to 14 milliseconds
 * (from 1973 on), of up to 17 microseconds, and longer ones nanoseconds.
 */
export function unitOf(wholeDigits: number): number {
  if (wholeDigits <= 11) return EPOCH_UNITS.seconds;
  if (wholeDigits <= 14) return EPOCH_UNITS.millis;
  return wholeDigits <= 17 ? EPOCH_UNITS.micros : EPOCH_UNITS.nanos;
}
