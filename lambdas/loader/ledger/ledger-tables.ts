import { quoteName } from "../../../wire/sql-text.ts";
import { ownTable, type Target } from "../target.ts";

/**
 * The ledger, in the warehouse so that it commits with the rows it speaks of:
 *
 * weir.loads    one row a load, numbered for each target: the last one says where in the log the table is
 * weir.commits  intervals of shards with foreign rows, which are known by shard and sequence number: one row a commit,
 *               and one for all of a shard's older commits
 * weir.ranges_… byte ranges of sources, a table for each target: see ranges-sql.ts
 *
 * arrived_from..arrived_to spans the _arrived_at of rows, which bounds the search for duplicates later.
 * weir.conflicts  one row a row that was loaded beside another one of its place, (src, off), with that one
 * weir.erasures, weir.erased_rows  what was erased on purpose: see ../erasure/erased-rows.ts
 * weir.migrations  one row a change to a table, its view or its readers' rights
 * weir.set_aside  one row an object that a target could not take
 *
 * Sequence numbers are padded, so that text compares like numbers.
 */
export interface LedgerTable {
  /** Without its schema. */
  readonly name: string;
  readonly columns: readonly LedgerColumn[];
  /** Distribution and sort key. */
  readonly attributes: string;
}

export interface LedgerColumn {
  readonly name: string;
  readonly type: string;
  /**
   * Columns of the first release alone. One that came later is added to tables that have rows already, and rows of
   * before have no value in it.
   */
  readonly notNull?: true;
}

const required = (name: string, type: string): LedgerColumn => ({ name, type, notNull: true });
const column = (name: string, type: string): LedgerColumn => ({ name, type });

/** The tables of the ledger that all targets share. A column that is added here is added to tables that lack it. */
export const LEDGER_TABLES: readonly LedgerTable[] = [
  {
    name: "loads",
    columns: [
      required("load_id", "varchar(200)"),
      required("target", "varchar(127)"),
      required("path", "varchar(4)"),
      required("rows_staged", "bigint"),
      required("rows_inserted", "bigint"),
      required("loaded_at", "timestamp"),
      // Loads of a target count from 1.
      column("number", "bigint"),
      // The interval of the log that it holds, up to and without the second place.
      column("from_segment", "bigint"),
      column("from_index", "bigint"),
      column("to_segment", "bigint"),
      column("to_index", "bigint"),
      // JSON: where the table goes on after it. See resume.ts.
      column("resume", "varchar(65535)"),
      // _arrived_at of its rows.
      column("arrived_from", "timestamp"),
      column("arrived_to", "timestamp"),
      column("rows_conflicting", "bigint"),
      column("rows_set_aside", "bigint"),
      // Of a reload: rows that loads had brought, and that the table had no more.
      column("rows_removed", "bigint"),
    ],
    attributes: "DISTSTYLE ALL SORTKEY (loaded_at)",
  },
  {
    name: "commits",
    columns: [
      required("load_id", "varchar(200)"),
      required("target", "varchar(127)"),
      required("batch_id", "varchar(300)"),
      required("shard_id", "varchar(32)"),
      required("first_seq", "varchar(128)"),
      required("last_seq", "varchar(128)"),
      required("rows", "bigint"),
      required("foreign_rows", "bigint"),
      required("arrived_from", "timestamp"),
      required("arrived_to", "timestamp"),
      column("loaded_at", "timestamp"),
    ],
    attributes: "DISTKEY (shard_id) SORTKEY (arrived_from)",
  },
  {
    name: "conflicts",
    columns: [
      required("target", "varchar(127)"),
      required("src", "varchar(160)"),
      // A word that Redshift reserves: people have to quote it, too.
      required("off", "bigint"),
      required("crc", "bigint"),
      column("host", "varchar(255)"),
      required("arrived_at", "timestamp"),
      // The row that was there, or arrived first.
      required("other_crc", "bigint"),
      column("other_host", "varchar(255)"),
      required("other_arrived_at", "timestamp"),
      required("load_id", "varchar(200)"),
      required("found_at", "timestamp"),
    ],
    attributes: "DISTKEY (src) SORTKEY (found_at)",
  },
  {
    name: "erasures",
    columns: [
      required("erasure_id", "varchar(120)"),
      required("target", "varchar(127)"),
      required("places", "bigint"),
      required("erased_at", "timestamp"),
      column("rows_erased", "bigint"),
    ],
    attributes: "DISTSTYLE ALL SORTKEY (erased_at)",
  },
  {
    name: "erased_rows",
    columns: [
      required("erasure_id", "varchar(120)"),
      required("target", "varchar(127)"),
      required("src", "varchar(160)"),
      required("off", "bigint"),
      column("crc", "bigint"),
      // Of rows without provenance.
      column("shard_id", "varchar(160)"),
      column("seq", "varchar(160)"),
    ],
    attributes: 'DISTKEY (src) SORTKEY (src, "off")',
  },
  {
    name: "migrations",
    columns: [
      required("target", "varchar(127)"),
      required("kind", "varchar(32)"),
      // Column, view or reader.
      required("subject", "varchar(255)"),
      // A long one is cut in its middle.
      required("statement", "varchar(8192)"),
      required("digest", "varchar(16)"),
      // Fingerprint of the table's configuration.
      required("configuration", "varchar(16)"),
      required("applied_by", "varchar(256)"),
      required("applied_at", "timestamp"),
    ],
    attributes: "DISTSTYLE ALL SORTKEY (applied_at)",
  },
  {
    name: "set_aside",
    columns: [
      required("target", "varchar(127)"),
      required("object_key", "varchar(1024)"),
      required("commit_key", "varchar(1024)"),
      required("rows", "bigint"),
      // The first line at fault, where the warehouse has named one, and its words.
      column("line", "bigint"),
      required("error", "varchar(4096)"),
      required("load_id", "varchar(200)"),
      required("set_aside_at", "timestamp"),
      required("tried_at", "timestamp"),
      // waiting, loaded, skipped or gone. See set-aside/set-aside-sql.ts.
      required("state", "varchar(8)"),
    ],
    attributes: "DISTSTYLE ALL SORTKEY (set_aside_at)",
  },
];

/** A table of its own for each target: loads of two tables have nothing to wait for, and none reads the other's. */
export const rangesTable = (target: Target): LedgerTable => ({
  name: ownTable("ranges", target),
  columns: [
    required("src", "varchar(160)"),
    required("from_off", "bigint"),
    required("to_off", "bigint"),
    required("arrived_from", "timestamp"),
    required("arrived_to", "timestamp"),
    // When something of it was loaded last.
    required("loaded_at", "timestamp"),
  ],
  attributes: "DISTKEY (src) COMPOUND SORTKEY (src, from_off)",
});

/** Every table of the ledger that a load of this target needs. */
export const ledgerTables = (target: Target): readonly LedgerTable[] => [
  ...LEDGER_TABLES,
  { name: ownTable("lock", target), columns: [column("nothing", "smallint")], attributes: "" },
  rangesTable(target),
];

export function createLedgerTableSql({ name, columns, attributes }: LedgerTable): string {
  const list = columns.map(
    ({ name, type, notNull }) => `  ${quoteName(name)} ${type}${notNull ? " NOT NULL" : ""}`,
  );
  return `CREATE TABLE IF NOT EXISTS ${ledgerName(name)} (\n${list.join(",\n")}\n) ${attributes}`.trimEnd();
}

/** Redshift has no IF NOT EXISTS for columns. */
export function addLedgerColumnSql({ name }: LedgerTable, column: LedgerColumn): string {
  return `ALTER TABLE ${ledgerName(name)} ADD COLUMN ${quoteName(column.name)} ${column.type}`;
}

const ledgerName = (name: string): string => `weir.${/^[a-z_]+$/.test(name) ? name : quoteName(name)}`;
