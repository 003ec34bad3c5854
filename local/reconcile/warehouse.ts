import type { LogType, RedshiftDestination } from "../../wire/log-type.ts";
import { MAIN_WAREHOUSE } from "../../wire/warehouses.ts";
import { grouped } from "./figures.ts";
import { IdentitySet } from "./identity-set.ts";
import type { Identity } from "./lake.ts";

/** What the reconciliation asks of warehouses, of a table by the name that `tablesOf` gives it. */
export interface Warehouse {
  /** Rows of the table, and distinct (`_src`, `_off`, `_crc`) among them. 0 and 0 for a table that was never made. */
  countRows(table: string): Promise<{ rows: number; distinct: number }>;
  /** Identities of the table's rows; asked for only when a count is wrong, to name a row. */
  identities(table: string): AsyncIterable<Identity>;
}

/** Names the warehouse of a destination that names none itself, or one. */
export type WarehouseOf = (destination: RedshiftDestination) => string;

const namedOrMain: WarehouseOf = ({ warehouse = MAIN_WAREHOUSE }) => warehouse;

/** `<schema>.<table>` of the main warehouse, and `<warehouse>/<schema>.<table>` of another. */
export function tableName(warehouse: string, table: string): string {
  return warehouse === MAIN_WAREHOUSE ? table : `${warehouse}/${table}`;
}

/** The warehouse and the table that a name is of. */
export function parseTableName(name: string): readonly [warehouse: string, table: string] {
  const slash = name.indexOf("/");
  return slash < 0 ? [MAIN_WAREHOUSE, name] : [name.slice(0, slash), name.slice(slash + 1)];
}

/** Names of a type's tables. */
export function tablesOf({ name, destinations }: LogType, warehouseOf = namedOrMain): string[] {
  return destinations.flatMap((target) =>
    target.to === "redshift"
      ? tableName(warehouseOf(target), `${target.schema}.${target.table ?? name}`)
      : [],
  );
}

/**
 * Every row of the lake is in the table once, and no other.
 *
 * @param rows distinct rows of the type in the lake
 * @param lakeRows their identities; read only when a count is wrong
 */
export async function checkTable(
  table: string,
  rows: number,
  lakeRows: () => Promise<IdentitySet>,
  warehouse: Warehouse,
): Promise<{ rows: number; problems: string[] }> {
  const counts = await warehouse.countRows(table);
  const problems: string[] = [];
  if (counts.rows !== rows || counts.distinct !== rows) {
    const { missing, repeated, unknown } = await compare(await lakeRows(), warehouse.identities(table));
    const first = (what: string, found: readonly Identity[]): string =>
      found[0] ? `; ${what}, first: ${found[0].src} at offset ${grouped(found[0].off)}` : "";
    problems.push(
      `table ${table}: ${grouped(counts.rows)} rows, ${grouped(counts.distinct)} distinct, ` +
        `the lake has ${grouped(rows)}` +
        first(`${grouped(missing.length)} missing`, missing) +
        first(`${grouped(repeated.length)} repeated`, repeated) +
        first(`${grouped(unknown.length)} not in the lake`, unknown),
    );
  }
  return { rows: counts.rows, problems };
}

async function compare(lake: IdentitySet, table: AsyncIterable<Identity>) {
  const loaded = new IdentitySet();
  const repeated: Identity[] = [];
  const unknown: Identity[] = [];
  for await (const identity of table) {
    if (!loaded.add(identity)) repeated.push(identity);
    else if (!lake.has(identity)) unknown.push(identity);
  }
  const missing = [...lake].filter((identity) => !loaded.has(identity));
  return { missing, repeated, unknown };
}
