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
 * lacks are added, narrower texts widened. A column that only the table has is left alone.
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
    const fit = compare(parseColumnType(typeName(existing)), parseColumnType(column.type)!);
    if (fit === "wider") changes.push(widenColumnSql(target, column));
    if (fit === "other") {
      conflicts.push(`${column.name} is ${typeName(existing)} there and ${column.type} in the configuration`);
    }
  }
  if (conflicts.length > 0) {
    throw new LoaderError(
      "SCHEMA_CONFLICT",
      `table ${target.name} cannot be changed to fit: ${conflicts.join("; ")}`,
      "give the column another name, or the destination another table",
    );
  }
  return changes;
}

function compare(existing: ColumnType | undefined, wanted: ColumnType): "same" | "wider" | "other" {
  if (existing?.kind !== wanted.kind) return "other";
  if ("maxBytes" in existing && "maxBytes" in wanted) {
    // Redshift widens VARCHAR only; a table wider than its configuration holds all that may come.
    if (wanted.maxBytes <= existing.maxBytes) return "same";
    return wanted.kind === "varchar" ? "wider" : "other";
  }
  if ("precision" in existing && "precision" in wanted) {
    const equal = existing.precision === wanted.precision && existing.scale === wanted.scale;
    return equal ? "same" : "other";
  }
  return "same";
}
