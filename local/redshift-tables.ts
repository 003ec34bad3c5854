import type { Identity } from "./reconcile/lake.ts";
import { parseTableName, type Warehouse as Tables } from "./reconcile/warehouse.ts";
import type { Warehouse } from "./warehouse/warehouse.ts";

const UNDEFINED_TABLE = "42P01";

/**
 * What the reconciliation asks of warehouses, asked past the Data API.
 *
 * @param warehouse the main one
 * @param others by name
 */
export function redshiftTables(
  warehouse: Warehouse,
  others: ReadonlyMap<string, Warehouse> = new Map(),
): Tables {
  const find = (name: string): readonly [Warehouse, string] => {
    const [of, table] = parseTableName(name);
    return [others.get(of) ?? warehouse, table];
  };
  return {
    async countRows(name) {
      const [warehouse, table] = find(name);
      const sql = `SELECT count(*) AS rows, count(DISTINCT (_src, _off, _crc)) AS distinct_rows FROM ${quote(table)}`;
      const [counts] = await whenThere(warehouse.query<{ rows: string; distinct_rows: string }>(sql));
      return { rows: Number(counts?.rows ?? 0), distinct: Number(counts?.distinct_rows ?? 0) };
    },
    async *identities(name) {
      const [warehouse, table] = find(name);
      const sql = `SELECT _src AS src, _off AS off, _crc AS crc FROM ${quote(table)}`;
      const rows = warehouse.query<{ src: string; off: string; crc: string | null }>(sql);
      for (const { src, off, crc } of await whenThere(rows)) {
        yield { src, off: Number(off), crc: crc === null ? undefined : Number(crc) } satisfies Identity;
      }
    },
  };
}

async function whenThere<Row>(rows: Promise<Row[]>): Promise<Row[]> {
  try {
    return await rows;
  } catch (error) {
    if ((error as { code?: string }).code === UNDEFINED_TABLE) return [];
    throw error;
  }
}

/** Identifiers of the configuration are letters, digits and underscores. */
function quote(table: string): string {
  return table
    .split(".")
    .map((part) => `"${part}"`)
    .join(".");
}
