import { Misfit, shown } from "../misfit.ts";
import { numberText } from "../parse/fields.ts";
import { type Decimal, formatDecimal, parseDecimal } from "./decimal.ts";
import type { WriteColumn } from "./write-column.ts";

/** source: Redshift numeric types reference, read 2026-11 */
const INTEGER_RANGE = {
  smallint: [-(2n ** 15n), 2n ** 15n - 1n],
  integer: [-(2n ** 31n), 2n ** 31n - 1n],
  bigint: [-(2n ** 63n), 2n ** 63n - 1n],
} as const;

/** Smallest and largest magnitude that Redshift promises to take; it refuses what it cannot hold. */
const FLOAT_RANGE = { real: [1e-37, 1e37], "double precision": [1e-307, 1e308] } as const;

/**
 * Whole numbers, of any notation. Beyond 2^53 they are written as text: COPY and other readers of JSON
 * may take a bare number for a double.
 */
export function writeInteger(kind: keyof typeof INTEGER_RANGE): WriteColumn {
  const [min, max] = INTEGER_RANGE[kind];
  const [low, high] = [Number(min), Number(max)];
  return (value) => {
    if (typeof value === "string" && SHORT_INTEGER.test(value)) value = Number(value);
    if (typeof value === "number" && Number.isSafeInteger(value)) {
      return value >= low && value <= high ? `${value}` : outside(value, kind);
    }
    const text = numberText(value);
    if (text === "") return null;
    const decimal = text === undefined ? undefined : parseDecimal(text);
    if (decimal === "huge") return outside(value, kind);
    if (decimal === undefined || decimal.fraction !== "") return notA("whole number", value);
    // BigInt takes more than linear time for digits that no column holds.
    if (decimal.integer.length > BIGINT_DIGITS) return outside(value, kind);
    const integer = BigInt(formatDecimal(decimal));
    if (integer < min || integer > max) return outside(value, kind);
    return Number.isSafeInteger(Number(integer)) ? `${integer}` : `"${integer}"`;
  };
}

const BIGINT_DIGITS = 19;

const SHORT_INTEGER = /^-?\d{1,15}$/;

/**
 * Decimals with all their digits, as text: COPY reads a bare JSON number as a double.
 * source: "Loss of numeric precision", COPY from JSON format, read 2026-11
 */
export function writeDecimal(precision: number, scale: number): WriteColumn {
  return (value) => {
    const text = numberText(value);
    if (text === "") return null;
    const decimal = text === undefined ? undefined : parseDecimal(text);
    if (decimal === undefined) return notA("number", value);
    const fits =
      decimal !== "huge" &&
      decimal.integer.length <= precision - scale &&
      decimal.fraction.length <= scale &&
      (precision !== LONG_DIGITS || digitsOf(decimal, scale) <= LONG_MAX);
    if (!fits) return outside(value, `decimal(${precision},${scale})`);
    return `"${formatDecimal(decimal)}"`;
  };
}

/**
 * Redshift keeps up to 19 digits in 64 bits, which hold not quite all numbers of 19. source: "Notes about using 128-bit
 * DECIMAL or NUMERIC columns", read 2026-11
 */
const LONG_DIGITS = 19;
const LONG_MAX = 2n ** 63n - 1n;

/** The number without its point and sign. */
const digitsOf = ({ integer, fraction }: Decimal, scale: number): bigint =>
  BigInt(`${integer}${fraction.padEnd(scale, "0")}` || "0");

/** The nearest double; a magnitude that would become infinite or zero is refused. */
export function writeFloat(kind: keyof typeof FLOAT_RANGE): WriteColumn {
  const [smallest, largest] = FLOAT_RANGE[kind];
  return (value) => {
    const text = numberText(value);
    if (text === "") return null;
    if (text === undefined || parseDecimal(text) === undefined) return notA("number", value);
    const number = Number(text);
    const magnitude = Math.abs(number);
    const vanished = number === 0 && /^[^eE]*[1-9]/.test(text);
    if (magnitude > largest || (magnitude < smallest && number !== 0) || vanished)
      return outside(value, kind);
    return `${number}`;
  };
}

function notA(what: string, value: unknown): Misfit {
  return new Misfit("type", `${shown(value)} is not a ${what}`);
}

function outside(value: unknown, type: string): Misfit {
  return new Misfit("range", `${shown(value)} does not fit ${type}`);
}
