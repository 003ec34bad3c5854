import type { Labels } from "../labels.ts";

/** What is known of a value before there is a line. Any value may also be null. */
export type ValueType = "text" | "number" | "bool" | "time" | "list" | "map" | "null" | "any";

/**
 * Why an expression has no value for a line. A value, not an exception, and made once for each place in an expression:
 * there may be as many lines of the kind as others.
 */
export class Failure {
  readonly reason: string;

  constructor(reason: string) {
    this.reason = reason;
  }
}

/** What lines have besides their fields, and fields. Times are ms of the epoch. */
export interface LineValues {
  readonly fields: Readonly<Record<string, unknown>>;
  readonly _line: string;
  readonly _tag: string;
  /** null for other producers' records, as the host. */
  readonly _path: string | null;
  readonly _host: string | null;
  /** Labels of the host; absent where there are none. */
  readonly _labels?: Labels | undefined;
  /** undefined where event time cannot be read. */
  readonly _time: number | undefined;
  readonly _arrived_at: number;
}

/** A number by its text, of more digits than a double keeps: JSON.rawJSON makes them. */
interface RawNumber {
  readonly rawJSON: string;
}

const jsonWithSource = JSON as unknown as { isRawJSON(value: unknown): value is RawNumber };

/** @returns undefined for what is no number, or one beyond any double */
export function numberOf(value: unknown): number | undefined {
  if (typeof value === "number") return value;
  const number = jsonWithSource.isRawJSON(value) ? Number(value.rawJSON) : NaN;
  return Number.isFinite(number) ? number : undefined;
}

/** The text of a text, a number, a boolean or a time; undefined for anything else. */
export function textOf(value: unknown): string | undefined {
  if (typeof value === "string") return value;
  if (typeof value === "number" || typeof value === "boolean") return `${value}`;
  if (value instanceof Date) return value.toISOString();
  return jsonWithSource.isRawJSON(value) ? value.rawJSON : undefined;
}

export function typeOf(value: unknown): Exclude<ValueType, "any"> {
  if (value === null || value === undefined) return "null";
  if (typeof value === "string") return "text";
  if (typeof value === "boolean") return "bool";
  if (numberOf(value) !== undefined) return "number";
  if (value instanceof Date) return "time";
  return Array.isArray(value) ? "list" : "map";
}

/** As messages call them. */
export const TYPE_NAMES: Readonly<Record<ValueType, string>> = {
  text: "a text",
  number: "a number",
  bool: "true or false",
  time: "a time",
  list: "a list",
  map: "an object",
  null: "null",
  any: "a value",
};
