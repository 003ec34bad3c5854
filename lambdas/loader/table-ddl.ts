import { createHash } from "node:crypto";
import type { Column } from "../../wire/log-type.ts";
import { createLedgerTableSql, ledgerTables } from "./ledger/ledger-tables.ts";
import { quoteName, quoteText, tableSql, type Target } from "./target.ts";

/**
 * The table, made where it is missing; then the columns that it has. Schemas are there: they are made with the loader's
 * rights, which do not reach so far (wire/loader-grants.ts).
 */
export function prepareSql(target: Target, recorded: readonly string[] = []): string[] {
  return [createTableSql(target), ...recorded, tableColumnsSql(target)];
}

/** The columns that the table has, for table-schema.ts. */
export function tableColumnsSql({ schema, table }: Target): string {
  return `SELECT column_name, data_type, character_maximum_length, numeric_precision, numeric_scale,
  is_nullable, column_default
FROM svv_columns WHERE table_schema = ${quoteText(schema)} AND table_name = ${quoteText(table)}
ORDER BY ordinal_position`;
}

/** Column definitions in CREATE TABLE: of the call's 100 KB the ledger and the keys have the rest. */
const DEFINITIONS_MAX_BYTES = 60_000;

/**
 * The table of a log type, with as many of its columns as one call has room for; the others are added like any column
 * that a table lacks. No primary key: Redshift does not enforce one, yet its planner trusts it.
 */
export function createTableSql(target: Target): string {
  const columns = firstColumns(target)
    .map((column) => `  ${columnSql(column)}`)
    .join(",\n");
  const keys = target.sort.map(quoteName).join(", ");
  const sort = keys === "" ? "" : ` COMPOUND SORTKEY (${keys})`;
  return `CREATE TABLE IF NOT EXISTS ${tableSql(target)} (\n${columns}\n) ${distributionSql(target)}${sort}`;
}

/** Weir's own columns and those of the keys, which cannot be added later, and of the others what there is room for. */
function firstColumns({ columns, sort, distribution }: Target): Column[] {
  const keys = new Set(sort);
  if (typeof distribution === "object") keys.add(distribution.key);
  const isNeeded = ({ name }: Column): boolean => name.startsWith("_") || keys.has(name);
  const bytes = (column: Column): number => Buffer.byteLength(columnSql(column)) + "  ,\n".length;
  let room = DEFINITIONS_MAX_BYTES;
  for (const column of columns) if (isNeeded(column)) room -= bytes(column);
  return columns.filter((column) => isNeeded(column) || (room -= bytes(column)) >= 0);
}

export function addColumnSql(target: Target, { name, type, encode }: Column): string {
  const encoding = encode === undefined ? "" : ` ENCODE ${encode}`;
  return `ALTER TABLE ${tableSql(target)} ADD COLUMN ${quoteName(name)} ${type}${encoding}`;
}

/** Cannot run inside a transaction. Redshift ALTER TABLE reference, read 2026-11. */
export function widenColumnSql(target: Target, { name, type }: Column): string {
  return `ALTER TABLE ${tableSql(target)} ALTER COLUMN ${quoteName(name)} TYPE ${type}`;
}

/** Changes when anything about the table or its readers does, or about the ledger. */
export function fingerprint(target: Target): string {
  const { readers } = target;
  const sql = [
    ...ledgerTables(target).map(createLedgerTableSql),
    ...prepareSql(target),
    ...target.columns.map(columnSql),
    JSON.stringify(readers),
  ];
  return createHash("sha256").update(sql.join(";")).digest("hex").slice(0, 16);
}

/**
 * NOT NULL stands on Weir's own columns only. On a type's columns it is the router that rejects lines
 * without a value: Redshift cannot drop a NOT NULL, and the configuration may.
 */
function columnSql({ name, type, encode, nullable }: Column): string {
  const encoding = encode === undefined ? "" : ` ENCODE ${encode}`;
  const own = name.startsWith("_") && !nullable;
  return `${quoteName(name)} ${type}${encoding}${own ? " NOT NULL" : ""}`;
}

function distributionSql({ distribution }: Target): string {
  if (typeof distribution === "object") return `DISTSTYLE KEY DISTKEY (${quoteName(distribution.key)})`;
  return `DISTSTYLE ${distribution.toUpperCase()}`;
}
