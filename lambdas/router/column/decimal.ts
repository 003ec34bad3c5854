/**
 * A decimal number by its digits, so that none is lost: sign, digits before and after the point, zeros
 * at the outer ends cut off.
 */
export interface Decimal {
  readonly negative: boolean;
  readonly integer: string;
  readonly fraction: string;
}

const NUMBER = /^([+-]?)(\d*)(?:\.(\d*))?(?:[eE]([+-]?\d{1,9}))?$/;

/** Past this the digits written out fit no column (38 digits), and 1e999999999 would fill memory. */
const EXPONENT_LIMIT = 400;

/** @returns undefined for what is not a number, "huge" for an exponent that fits no column */
export function parseDecimal(text: string): Decimal | "huge" | undefined {
  const [, sign, before = "", after = "", exponentText = "0"] = NUMBER.exec(text) ?? [];
  if (sign === undefined || (before === "" && after === "")) return undefined;
  const exponent = Number(exponentText);
  if (Math.abs(exponent) > EXPONENT_LIMIT) return "huge";
  const digits = before + after;
  const point = before.length + exponent;
  const integer = point <= 0 ? "" : digits.slice(0, point).padEnd(point, "0");
  const fraction =
    point >= digits.length ? "" : "0".repeat(Math.max(0, -point)) + digits.slice(Math.max(0, point));
  return {
    negative: sign === "-",
    integer: integer.replace(/^0+/, ""),
    fraction: fraction.slice(0, lengthWithoutZeros(fraction)),
  };
}

/** Not by /0+$/: that looks at every run of zeros from each of its zeros. */
function lengthWithoutZeros(digits: string): number {
  let length = digits.length;
  while (length > 0 && digits.charCodeAt(length - 1) === ZERO) length--;
  return length;
}

const ZERO = 0x30;

/** Plain notation: no exponent, no sign on zero. */
export function formatDecimal({ negative, integer, fraction }: Decimal): string {
  const zero = integer === "" && fraction === "";
  return `${negative && !zero ? "-" : ""}${integer || "0"}${fraction && `.${fraction}`}`;
}
