import { createHash } from "node:crypto";
import { configFingerprint } from "../../wire/config-fingerprint.ts";
import type { WeirConfig } from "../../wire/config.ts";
import type { Readers } from "../../wire/readers.ts";
import { type Column, type RedshiftDestination, rowColumns } from "../../wire/log-type.ts";
import { quoteName } from "../../wire/sql-text.ts";
import { MAIN_WAREHOUSE, warehouseOf } from "../../wire/warehouses.ts";

export { quoteName, quoteText } from "../../wire/sql-text.ts";

/** One table that rows of one log type are loaded into. A type may have several. */
export interface Target {
  /** Name of the warehouse; the main one if absent. */
  readonly warehouse?: string;
  readonly type: string;
  /** Types whose rows it takes as well: what its own was called before. */
  readonly formerNames: readonly string[];
  /** Where a table that is new begins: with the log, now, or with what arrived from a time on. */
  readonly from: RedshiftDestination["from"];
  readonly schema: string;
  readonly table: string;
  /** "schema.table": its key in the state and in the ledger. */
  readonly name: string;
  readonly columns: readonly Column[];
  readonly distribution: RedshiftDestination["distribution"];
  readonly sort: readonly string[];
  /** Days that the ledger remembers a source for from which nothing more came. */
  readonly ledgerDays: number;
  readonly readers: Readers;
  /** Fingerprint of its configuration, as commits name the one that they were routed by. */
  readonly config: string;
}

/** Tables in the warehouse of this name. */
export function targetsOf(config: WeirConfig, warehouse = MAIN_WAREHOUSE): Target[] {
  const fingerprint = configFingerprint(config);
  return config.types.flatMap((type) =>
    type.destinations
      .filter((destination) => destination.to === "redshift")
      .filter((destination) => warehouseOf(config, destination) === warehouse)
      .map(({ schema, table = type.name, distribution, sort, from }) => ({
        warehouse,
        type: type.name,
        formerNames: type.formerNames,
        from,
        schema,
        table,
        name: `${schema}.${table}`,
        columns: rowColumns(type),
        distribution,
        sort,
        ledgerDays: config.loader.ledgerDays,
        readers: config.readers,
        config: fingerprint,
      })),
  );
}

/** Names of the types whose rows it takes. */
export const typesOf = ({ type, formerNames }: Pick<Target, "type" | "formerNames">): readonly string[] => [
  type,
  ...formerNames,
];

export const tableSql = ({ schema, table }: Target): string => `${quoteName(schema)}.${quoteName(table)}`;

/** Names the set of the columns, whatever their types and their order. */
export function columnsFingerprint({ columns }: Pick<Target, "columns">): string {
  const names = columns.map(({ name }) => name).toSorted();
  return createHash("sha256").update(JSON.stringify(names)).digest("hex").slice(0, 12);
}

/** Column list of COPY and INSERT: never by position, but see namesColumns. */
export const columnsSql = ({ columns }: Target): string =>
  columns.map(({ name }) => quoteName(name)).join(", ");

/** Column lists in one call, at most: of the stage and the INSERT, of two COPYs, or of three where objects are probed. */
const LISTS_PER_LOAD = 3;
/** Of the 100 KB that the Data API takes, what all of them may have: the ledger, manifests and roles have the rest. */
const LISTS_MAX_BYTES = 80_000;

/**
 * Whether a load has room to name the table's columns. Where it has not, COPY goes by the table's own columns, so the
 * table may have none besides that have to be filled (table-schema.ts).
 */
export const namesColumns = (target: Target): boolean =>
  LISTS_PER_LOAD * Buffer.byteLength(columnsSql(target)) <= LISTS_MAX_BYTES;

/**
 * The empty table whose lock serialises the loads of this one. LOCK is ACCESS EXCLUSIVE: on the table
 * itself it would block its readers.
 */
export const lockTableSql = (target: Target): string => `weir.${quoteName(ownTable("lock", target))}`;

/** The table of the byte ranges that are in this one. */
export const rangesTableSql = (target: Target): string => `weir.${quoteName(ownTable("ranges", target))}`;

/** Name of a table of the ledger that this target alone has. The hash comes first, so that names stay apart when cut. */
export function ownTable(kind: "lock" | "ranges", { name, table }: Target): string {
  const hash = createHash("sha256").update(name).digest("hex").slice(0, 8);
  return `${kind}_${hash}_${table}`;
}
