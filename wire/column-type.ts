import { closest } from "./closest.ts";

/** The Redshift types a column may have. source: Redshift data types reference, read 2026-11 */
export type ColumnType =
  | { kind: "smallint" | "integer" | "bigint" | "real" | "double precision" }
  | { kind: "boolean" | "date" | "timestamp" | "timestamptz" | "super" }
  | { kind: "decimal"; precision: number; scale: number }
  | { kind: "varchar" | "char"; maxBytes: number };

/**
 * Redshift's limits: VARCHAR 65,535 bytes, CHAR 4,096 bytes, DECIMAL 38 digits, of which 37 after the point. source:
 * "Character types" and "Numeric types", Redshift database developer guide, read 2026-11
 */
const MAX_BYTES = { varchar: 65_535, char: 4_096 } as const;
const DECIMAL_MAX_PRECISION = 38;
const DECIMAL_MAX_SCALE = 37;

const PLAIN = new Set([
  "smallint",
  "integer",
  "bigint",
  "real",
  "double precision",
  "boolean",
  "date",
  "timestamp",
  "timestamptz",
  "super",
]);

/** What other databases and languages call them; Redshift takes most of these names, too. */
const OTHER_NAMES: Readonly<Record<string, string>> = {
  int: "integer",
  int2: "smallint",
  int4: "integer",
  int8: "bigint",
  long: "bigint",
  number: "bigint, or double precision",
  float: "double precision",
  float4: "real",
  float8: "double precision",
  double: "double precision",
  numeric: "decimal(p,s)",
  bool: "boolean",
  text: "varchar(n)",
  string: "varchar(n)",
  nvarchar: "varchar(n)",
  "character varying": "varchar(n)",
  character: "char(n)",
  nchar: "char(n)",
  datetime: "timestamp",
  "timestamp with time zone": "timestamptz",
  json: "super",
  object: "super",
  array: "super",
};

const TYPES = [...PLAIN, "decimal", "varchar", "char"];

/** Says of what is no column type what was meant, or what there is. */
export function columnTypeProblem(text: string): string {
  const said = "not a column type: ";
  const [, name = "", size = ""] = /^\s*([^(]*?)\s*(\(.*)?$/.exec(text.toLowerCase()) ?? [];
  const other = Object.hasOwn(OTHER_NAMES, name) ? OTHER_NAMES[name] : undefined;
  if (other !== undefined) return `${said}write ${size === "" ? other : other.replace(/\(.*\)/, () => size)}`;
  const near = TYPES.includes(name) ? name : closest(name, TYPES);
  if (near !== undefined && near !== name && parseColumnType(near + size))
    return `${said}did you mean "${near}${size}"?`;
  if (near === "varchar" || near === "char")
    return `${said}${near}(n) holds n bytes, from 1 to ${MAX_BYTES[near].toLocaleString("en")}, such as ${near}(64)`;
  if (near === "decimal")
    return `${said}decimal(p,s) holds p digits, 1 to ${DECIMAL_MAX_PRECISION}, of which s after the point, such as decimal(12,2)`;
  if (near !== undefined) return `${said}write ${near}`;
  return (
    `${said}use smallint, integer, bigint, real, double precision, decimal(p,s), boolean, ` +
    "date, timestamp, timestamptz, varchar(n), char(n) or super"
  );
}

/**
 * Reads "bigint", "varchar(64)", "decimal(12,2)".
 *
 * @returns undefined for anything that is not a type of Redshift's
 */
export function parseColumnType(text: string): ColumnType | undefined {
  const [, name, first, second] = /^([a-z ]+?)(?:\((\d+)(?:, ?(\d+))?\))?$/.exec(text) ?? [];
  if (name === undefined) return undefined;
  if (PLAIN.has(name)) return first === undefined ? ({ kind: name } as ColumnType) : undefined;
  if (name === "varchar" || name === "char") {
    const maxBytes = Number(first);
    const fits = maxBytes >= 1 && maxBytes <= MAX_BYTES[name] && second === undefined;
    return fits ? { kind: name, maxBytes } : undefined;
  }
  if (name === "decimal") {
    const precision = Number(first);
    const scale = Number(second ?? 0);
    const fits =
      precision >= 1 && precision <= DECIMAL_MAX_PRECISION && scale <= Math.min(precision, DECIMAL_MAX_SCALE);
    return fits ? { kind: "decimal", precision, scale } : undefined;
  }
  return undefined;
}
