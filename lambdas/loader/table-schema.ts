import { type ColumnType, parseColumnType } from "../../wire/column-type.ts";
import type { Column } from "../../wire/log-type.ts";
import { TABLE_MAX_COLUMNS } from "../../wire/limits.ts";
import { LoaderError } from "./loader-error.ts";
import { convertColumnSql } from "./schema/convert-column.ts";
import type { Migration } from "./schema/migration.ts";
import { addColumnSql, widenColumnSql } from "./table-ddl.ts";
import { namesColumns, quoteName, tableSql, type Target } from "./target.ts";

/** A row of SVV_COLUMNS. */
export interface TableColumn {
  readonly name: string;
  readonly dataType: string;
  readonly length: number | undefined;
  readonly precision: number | undefined;
  readonly scale: number | undefined;
  /** A row without a value for it is refused. */
  readonly isRequired?: boolean;
  /** It fills itself where a row has no value. */
  readonly hasDefault?: boolean;
}

/** A statement that brings a table closer to its configuration: one that adds a column may be run with others. */
export interface SchemaChange extends Migration {
  readonly kind: "add-column" | "widen-column";
}

/** What the configuration asks of a table and the loader does not do. */
export interface SchemaConflict {
  /** Column, or what else of the table. */
  readonly subject: string;
  readonly reason: string;
  /** Nothing is loaded until it is gone. */
  readonly stops: boolean;
  readonly wayOut: string;
  /** For a person to run, in this order. */
  readonly sql: readonly string[];
}

export interface SchemaDifference {
  readonly changes: readonly SchemaChange[];
  readonly conflicts: readonly SchemaConflict[];
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
 * What brings a table up to its configuration: columns it lacks are added, narrower texts widened. A column that only
 * the table has is left alone, and so is one whose type is wider than configured.
 *
 * @throws LoaderError SCHEMA_CONFLICT naming each column that cannot be reconciled
 */
export function schemaChanges(target: Target, found: readonly TableColumn[]): string[] {
  return reconcile(target, found).map(({ sql }) => sql);
}

/** The changes of {@link schemaChanges}, with what each is. @throws LoaderError SCHEMA_CONFLICT */
export function reconcile(target: Target, found: readonly TableColumn[]): readonly SchemaChange[] {
  const { changes, conflicts } = compareSchema(target, found);
  const stopping = conflicts.filter(({ stops }) => stops);
  if (stopping.length === 0) return changes;
  const first = stopping.slice(0, CONFLICTS_TOLD).map(({ reason }) => reason);
  const more = stopping.length > first.length ? `; and ${stopping.length - first.length} more` : "";
  throw new LoaderError(
    "SCHEMA_CONFLICT",
    `table ${target.name} cannot be changed to fit: ${first.join("; ")}${more}`,
    `${stopping[0]!.wayOut}; \`weir schema diff\` prints the SQL`,
  );
}

/** Of hundreds of columns the first few say what is wrong. */
const CONFLICTS_TOLD = 10;

export function compareSchema(target: Target, found: readonly TableColumn[]): SchemaDifference {
  const present = new Map(found.map((column) => [column.name, column]));
  const changes: SchemaChange[] = [];
  const conflicts: SchemaConflict[] = [];
  for (const column of target.columns) {
    const { name } = column;
    const existing = present.get(name);
    if (!existing) {
      changes.push({ kind: "add-column", subject: name, sql: addColumnSql(target, column) });
      continue;
    }
    if (existing.isRequired && column.nullable) conflicts.push(required(target, column));
    const there = parseColumnType(typeName(existing));
    const wanted = parseColumnType(column.type)!;
    if (there && holds(there, wanted)) continue;
    // Redshift widens VARCHAR only.
    if (there?.kind === "varchar" && wanted.kind === "varchar") {
      changes.push({ kind: "widen-column", subject: name, sql: widenColumnSql(target, column) });
    } else {
      conflicts.push(otherType(target, column, typeName(existing)));
    }
  }
  const added = changes.filter(({ kind }) => kind === "add-column");
  const columns = found.length + added.length;
  if (columns > TABLE_MAX_COLUMNS) {
    conflicts.push(tooMany(target, found, columns));
  }
  return { changes, conflicts: [...conflicts, ...unfilled(target, found)] };
}

/** Columns of somebody else's that COPY would fill with NULL, for want of room to name those that it is to fill. */
function unfilled(target: Target, found: readonly TableColumn[]): SchemaConflict[] {
  if (namesColumns(target)) return [];
  const ours = new Set(target.columns.map(({ name }) => name));
  return found
    .filter(({ name, isRequired, hasDefault }) => !ours.has(name) && (isRequired || hasDefault))
    .map(({ name }) => ({
      subject: name,
      reason:
        `${name} is no column of the configuration and NOT NULL or filled by a default, which a table of so many ` +
        `or so long names cannot have`,
      stops: true,
      wayOut: "drop the column, or keep it in a table of its own",
      sql: [`ALTER TABLE ${tableSql(target)} DROP COLUMN ${quoteName(name)}`],
    }));
}

function otherType(target: Target, column: Column, there: string): SchemaConflict {
  return {
    subject: column.name,
    reason: `${column.name} is ${there} there and ${column.type} in the configuration`,
    stops: true,
    wayOut:
      "give the column another name, and name the field it is filled from: what the table has stays; or convert what it " +
      "has by hand",
    sql: convertColumnSql(target, column, there),
  };
}

/** Rows with a value are loaded all the same. */
function required(target: Target, column: Column): SchemaConflict {
  const { name, type } = column;
  return {
    subject: name,
    reason: `${name} is NOT NULL there, and in the configuration it may be without a value`,
    stops: false,
    wayOut:
      "set nullable: false, and lines without a value are rejected and kept; or make the column anew by hand",
    sql: convertColumnSql(target, column, type),
  };
}

function tooMany(target: Target, found: readonly TableColumn[], columns: number): SchemaConflict {
  const ours = new Set(target.columns.map(({ name }) => name));
  const others = found.filter(({ name }) => !ours.has(name));
  return {
    subject: "columns",
    reason: `it would have ${columns} columns, and Redshift takes ${TABLE_MAX_COLUMNS}`,
    stops: true,
    wayOut: "drop columns that the configuration has no more, or load into another table",
    sql: others.map(({ name }) => `ALTER TABLE ${tableSql(target)} DROP COLUMN ${quoteName(name)}`),
  };
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
