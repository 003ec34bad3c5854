/**
 * The fields of a line by name. Text formats give text, or null for a field that says it has no value;
 * JSON gives what JSON.parse gives, with `RawJSON` for numbers that a double cannot hold.
 */
export type Fields = Readonly<Record<string, unknown>>;

/** A number by its text, made by JSON.rawJSON. source: TC39 proposal json-parse-with-source, in Node 22 */
export interface RawJson {
  readonly rawJSON: string;
}

interface JsonWithSource {
  isRawJSON(value: unknown): value is RawJson;
  rawJSON(text: string): RawJson;
  parse(
    text: string,
    reviver: (key: string, value: unknown, context: { readonly source?: string }) => unknown,
  ): unknown;
}

/** What JSON can do in Node 24 and TypeScript's library does not say yet. */
export const jsonWithSource = JSON as unknown as JsonWithSource;

export function isObject(value: unknown): value is Fields {
  return (
    typeof value === "object" && value !== null && !Array.isArray(value) && !jsonWithSource.isRawJSON(value)
  );
}

/** The digits of a number, or the text that may be one; undefined for anything else. */
export function numberText(value: unknown): string | undefined {
  if (typeof value === "string") return value;
  if (typeof value === "number") return `${value}`;
  return jsonWithSource.isRawJSON(value) ? value.rawJSON : undefined;
}
