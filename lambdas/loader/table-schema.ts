import { type ColumnType, parseColumnType } from "../../wire/column-type.ts";
import { LoaderError } from "./loader-error.ts";
import { addColumnSql, widenColumnSql } from "./table-ddl.ts";
import type { Target } from "./target.ts";

/** A row of SVV_COLUMNS. */
export interface TableColumn {
  readonly name: string;
  readonly dataType: string;
  readonly length: number | undefined;
  readonly precision: number | undefined;
  readonly scale: number | undefined;
}

/** SVV_COLUMNS' long names of types that a configuration names shortly. */
const SHORT: Record<string, string> = {
  "character varying": "varchar",
  character: "char",
  numeric: "decimal",
  "timestamp without time zone": "timestamp",
  "timestamp with time zone": "timestamptz",
};

/** The type as a configuration would name it. */
export function typeName({ dataType, length, precision, scale }: TableColumn): string {
  const name = SHORT[dataType] ?? dataType;
  if (name === "varchar" || name === "char") return `${name}(${length})`;
  return name === "decimal" ? `decimal(${precision},${scale})` : name;
}

/**
 * Statements, each a transaction of its own, that bring a table up to its configuration: columns it
 * lacks are added, narrower texts widened. A column that only the table has is left alone, and so is one
 * whose type is wider than configured.
 *
 * @throws LoaderError SCHEMA_CONFLICT naming each column whose types cannot be reconciled
 */
export function schemaChanges(target: Target, found: readonly TableColumn[]): string[] {
  const present = new Map(found.map((column) => [column.name, column]));
  const changes: string[] = [];
  const conflicts: string[] = [];
  for (const column of target.columns) {
    const existing = present.get(column.name);
    if (!existing) {
      changes.push(addColumnSql(target, column));
      continue;
    }
    const there = parseColumnType(typeName(existing));
    const wanted = parseColumnType(column.type)!;
    if (there && holds(there, wanted)) continue;
    // Redshift widens VARCHAR only.
    if (there?.kind === "varchar" && wanted.kind === "varchar") changes.push(widenColumnSql(target, column));
    else {
      conflicts.push(`${column.name} is ${typeName(existing)} there and ${column.type} in the configuration`);
    }
  }
  if (conflicts.length > 0) {
    throw new LoaderError(
      "SCHEMA_CONFLICT",
      `table ${target.name} cannot be changed to fit: ${conflicts.join("; ")}`,
      "give the column another name, and name the field it is filled from; what the table has stays",
    );
  }
  return changes;
}

/** Decimal digits that the largest magnitude has. */
const INTEGER_DIGITS = { smallint: 5, integer: 10, bigint: 19 } as const;

/** Integers that a floating-point type has all of: up to 24 bits, and up to 53. */
const EXACT_INTEGERS: Record<string, readonly string[]> = {
  real: ["smallint"],
  "double precision": ["smallint", "integer"],
};

/** Whether a column of the type `there` takes every value of the type `wanted`, and keeps it as it is. */
function holds(there: ColumnType, wanted: ColumnType): boolean {
  switch (wanted.kind) {
    case "smallint":
    case "integer":
    case "bigint": {
      const digits = INTEGER_DIGITS[wanted.kind];
      if (there.kind === "decimal") return there.precision - there.scale >= digits;
      if (there.kind in INTEGER_DIGITS) return INTEGER_DIGITS[there.kind as "bigint"] >= digits;
      return EXACT_INTEGERS[there.kind]?.includes(wanted.kind) ?? false;
    }
    case "real":
      return there.kind === "real" || there.kind === "double precision";
    case "decimal":
      return (
        there.kind === "decimal" &&
        there.scale >= wanted.scale &&
        there.precision - there.scale >= wanted.precision - wanted.scale
      );
    case "char":
      return (there.kind === "char" || there.kind === "varchar") && there.maxBytes >= wanted.maxBytes;
    case "varchar":
      return there.kind === "varchar" && there.maxBytes >= wanted.maxBytes;
    case "double precision":
    case "boolean":
    case "date":
    case "timestamp":
    case "timestamptz":
    case "super":
      break;
  }
  return there.kind === wanted.kind;
}
