import * as z from "zod";

/** What settings count, and what one of these is in the smallest unit of its kind. */
const UNITS = {
  ms: { kind: "duration", size: 1 },
  s: { kind: "duration", size: 1_000 },
  min: { kind: "duration", size: 60_000 },
  h: { kind: "duration", size: 3_600_000 },
  d: { kind: "duration", size: 86_400_000 },
  days: { kind: "duration", size: 86_400_000 },
  bytes: { kind: "size", size: 1 },
  /** Units as Lambda counts memory. */
  MB: { kind: "size", size: 2 ** 20 },
} as const;

export type Unit = keyof typeof UNITS;

const DURATIONS: readonly (readonly [words: RegExp, size: number])[] = [
  [/^(?:ms|milliseconds?)$/i, 1],
  [/^(?:s|secs?|seconds?)$/i, 1_000],
  [/^(?:m|mins?|minutes?)$/i, 60_000],
  [/^(?:h|hours?)$/i, 3_600_000],
  [/^(?:d|days?)$/i, 86_400_000],
  [/^(?:w|weeks?)$/i, 7 * 86_400_000],
];

const PREFIXES = ["", "k", "m", "g", "t"];
const SIZE = /^([kmgt]?)(i?)b$|^bytes?$/i;

/** Bytes of a unit. Of memory, AWS calls 1,024 MB a GB; elsewhere MB are millions and MiB are not. */
function bytesOf(word: string, unit: Unit): number | undefined {
  const [, prefix = "", binary = ""] = SIZE.exec(word) ?? [undefined];
  if (!SIZE.test(word)) return undefined;
  return (binary === "" && unit !== "MB" ? 1_000 : 1_024) ** PREFIXES.indexOf(prefix.toLowerCase());
}

const AMOUNT = /^\s*(\d[\d_,]*(?:\.\d+)?)\s*([a-z]+)\s*$/i;

/** @returns how many of a unit a text such as "5 min" or "64 KiB" says, undefined for what says nothing of its kind */
export function parseQuantity(text: string, unit: Unit): number | undefined {
  const [, amount, word = ""] = AMOUNT.exec(text) ?? [];
  if (amount === undefined) return undefined;
  const { kind, size } = UNITS[unit];
  const factor = kind === "size" ? bytesOf(word, unit) : DURATIONS.find(([words]) => words.test(word))?.[1];
  if (factor === undefined) return undefined;
  return (Number(amount.replaceAll(/[_,]/g, "")) * factor) / size;
}

const EXAMPLES: Readonly<Record<Unit, string>> = {
  ms: '5000, or "5 s"',
  s: '120, or "2 min"',
  min: '15, or "15 min"',
  h: '48, or "2 days"',
  d: '30, or "30 days"',
  days: '30, or "30 days"',
  bytes: '65536, or "64 KiB"',
  MB: '1024, or "1 GB"',
};

/** A whole number of a unit, which may also be written as a text that names another one. */
export function quantity(unit: Unit, least: number, most: number): z.ZodType<number, number | string> {
  const number = z.int().min(least).max(most);
  const read = z.preprocess((given, context) => {
    if (typeof given !== "string") return given;
    const value = parseQuantity(given, unit);
    if (value !== undefined && Number.isInteger(value)) return value;
    const why = value === undefined ? `is no ${UNITS[unit].kind}` : `is no whole number of ${unit}`;
    const instead = `write a number of ${unit}, such as ${EXAMPLES[unit]}`;
    // The text is not told: it may have come from the environment.
    context.addIssue({ code: "custom", message: `${why}: ${instead}` });
    return z.NEVER;
  }, number);
  return read as unknown as z.ZodType<number, number | string>;
}
