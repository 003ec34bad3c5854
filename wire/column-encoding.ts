import { type ColumnType, parseColumnType } from "./column-type.ts";

export const ENCODINGS = [
  "raw",
  "az64",
  "bytedict",
  "delta",
  "delta32k",
  "lzo",
  "mostly8",
  "mostly16",
  "mostly32",
  "runlength",
  "text255",
  "text32k",
  "zstd",
] as const;
export type Encoding = (typeof ENCODINGS)[number];

type Kind = ColumnType["kind"];

const NUMBERS: readonly Kind[] = ["smallint", "integer", "bigint", "decimal"];
const FLOATS: readonly Kind[] = ["real", "double precision"];
const TIMES: readonly Kind[] = ["date", "timestamp", "timestamptz"];
const TEXTS: readonly Kind[] = ["char", "varchar"];

/** source: "Compression encodings", Redshift database developer guide, read 2026-11 */
const KINDS: Readonly<Record<Exclude<Encoding, "raw">, ReadonlySet<Kind>>> = {
  az64: new Set([...NUMBERS, ...TIMES]),
  bytedict: new Set([...NUMBERS, ...FLOATS, ...TEXTS, ...TIMES]),
  delta: new Set([...NUMBERS, "date", "timestamp"]),
  delta32k: new Set(["integer", "bigint", "decimal", "date", "timestamp"]),
  lzo: new Set([...NUMBERS, ...TEXTS, ...TIMES, "super"]),
  mostly8: new Set(NUMBERS),
  mostly16: new Set(["integer", "bigint", "decimal"]),
  mostly32: new Set(["bigint", "decimal"]),
  runlength: new Set([...NUMBERS, ...FLOATS, "boolean", ...TEXTS, ...TIMES]),
  text255: new Set(["varchar"]),
  text32k: new Set(["varchar"]),
  zstd: new Set([...NUMBERS, ...FLOATS, "boolean", ...TEXTS, ...TIMES, "super"]),
};

/** Whether Redshift takes the encoding for a column of this type; `type` may be none. */
export function encodes(encoding: Encoding, type: string): boolean {
  const kind = parseColumnType(type)?.kind;
  return encoding === "raw" || kind === undefined || KINDS[encoding].has(kind);
}
