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
