import { createHash } from "node:crypto";
import type { Column } from "../../wire/log-type.ts";
import { lockTableSql, quoteName, quoteText, tableSql, type Target } from "./target.ts";

/**
 * The ledger, in the warehouse so that it commits with the rows it speaks of:
 *
 * weir.loads    one row a load
 * weir.commits  one row a commit of a load: what foreign rows, known by shard and sequence number, overlap
 * weir.ranges   byte ranges of sources that a load brought; arrived_from..arrived_to spans its rows'
 *               _arrived_at, which bounds the search for duplicates later
 *
 * Sequence numbers are padded, so that text compares like numbers.
 */
const LEDGER_SQL = [
  `CREATE TABLE IF NOT EXISTS weir.loads (
  load_id varchar(200) NOT NULL, target varchar(127) NOT NULL, path varchar(4) NOT NULL,
  rows_staged bigint NOT NULL, rows_inserted bigint NOT NULL, loaded_at timestamp NOT NULL
) DISTSTYLE ALL SORTKEY (loaded_at)`,
  `CREATE TABLE IF NOT EXISTS weir.commits (
  load_id varchar(200) NOT NULL, target varchar(127) NOT NULL, batch_id varchar(300) NOT NULL,
  shard_id varchar(32) NOT NULL, first_seq varchar(128) NOT NULL, last_seq varchar(128) NOT NULL,
  rows bigint NOT NULL, foreign_rows bigint NOT NULL,
  arrived_from timestamp NOT NULL, arrived_to timestamp NOT NULL
) DISTKEY (shard_id) SORTKEY (arrived_from)`,
  `CREATE TABLE IF NOT EXISTS weir.ranges (
  load_id varchar(200) NOT NULL, target varchar(127) NOT NULL, src varchar(160) NOT NULL,
  from_off bigint NOT NULL, to_off bigint NOT NULL,
  arrived_from timestamp NOT NULL, arrived_to timestamp NOT NULL
) DISTKEY (src) SORTKEY (arrived_from)`,
];

/**
 * Every table that a load of this one needs, made where it is missing; then the columns the table has. Schemas are
 * there: they are made with the loader's rights, which do not reach so far (wire/loader-grants.ts).
 */
export function prepareSql(target: Target): string[] {
  return [
    ...LEDGER_SQL,
    `CREATE TABLE IF NOT EXISTS ${lockTableSql(target)} (nothing smallint)`,
    createTableSql(target),
    tableColumnsSql(target),
  ];
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

/** Changes when anything about the table does. */
export function fingerprint(target: Target): string {
  return createHash("sha256").update(prepareSql(target).join(";")).digest("hex").slice(0, 16);
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
