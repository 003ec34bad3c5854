import type { Column, LogType } from "../../wire/log-type.ts";
import { parseTableName, tablesOf, type WarehouseOf } from "../reconcile/warehouse.ts";

/** A statement to begin with. It is Redshift's SQL as well as PostgreSQL's. */
export interface SqlExample {
  readonly title: string;
  readonly warehouse: string;
  readonly sql: string;
}

/** What people ask first of each table that the configuration has, and then of all. */
export function sqlExamples(types: readonly LogType[], warehouseOf?: WarehouseOf): SqlExample[] {
  const tables = types.flatMap((type) =>
    tablesOf(type, warehouseOf).map((name) => {
      const [warehouse, table] = parseTableName(name);
      return { warehouse, table, type };
    }),
  );
  const warehouses = [...new Set(tables.map(({ warehouse }) => warehouse))];
  return [
    ...tables.flatMap(ofTable),
    ...warehouses.flatMap((warehouse) =>
      ofWarehouse(
        warehouse,
        tables.filter((one) => one.warehouse === warehouse).map(({ table }) => table),
      ),
    ),
  ];
}

interface Table {
  readonly warehouse: string;
  readonly table: string;
  readonly type: LogType;
}

function ofTable({ warehouse, table, type }: Table): SqlExample[] {
  const asked = [
    { title: "latest rows", sql: `SELECT * FROM ${table} ORDER BY _time DESC LIMIT 50;` },
    {
      title: "lines per minute",
      sql: `SELECT date_trunc('minute', _time) AS minute, count(*) AS lines
FROM ${table} GROUP BY 1 ORDER BY 1 DESC LIMIT 60;`,
    },
    ...type.columns
      .filter(isGrouping)
      .slice(0, 1)
      .map(({ name }) => ({
        title: `most frequent ${name}`,
        sql: `SELECT "${name}", count(*) AS lines FROM ${table} GROUP BY 1 ORDER BY 2 DESC LIMIT 20;`,
      })),
    {
      title: "where did these rows come from",
      sql: `-- _src is one file of a host, and _off the byte of it that the line begins at; weir audit names its path
SELECT _host, _src, _off, _crc, _time, _arrived_at FROM ${table} ORDER BY _arrived_at DESC, _off DESC LIMIT 50;`,
    },
    {
      title: "fields without a column",
      sql: `SELECT _time, _extra FROM ${table} WHERE _extra IS NOT NULL ORDER BY _time DESC LIMIT 50;`,
    },
  ];
  return asked.map(({ title, sql }) => ({ title: `${table}: ${title}`, warehouse, sql }));
}

/** Few values, many rows: what somebody has said of the column tells, before what its type lets expect. */
function isGrouping({ type, encode }: Column): boolean {
  return encode === "bytedict" || type === "smallint" || type === "boolean" || type.startsWith("char(");
}

function ofWarehouse(warehouse: string, tables: readonly string[]): SqlExample[] {
  const counts = tables.map(
    (table) => `SELECT '${table}' AS table_name, count(*) AS rows, min(_time), max(_time) FROM ${table}`,
  );
  return [
    { title: "Rows of each table", warehouse, sql: `${counts.join("\nUNION ALL ")};` },
    {
      title: "What the warehouse refused, in its own words",
      warehouse,
      sql: "SELECT * FROM weir.set_aside ORDER BY set_aside_at DESC LIMIT 50;",
    },
    {
      title: "What was loaded, and when",
      warehouse,
      sql: `SELECT loaded_at, target, number, rows_staged, rows_inserted, rows_conflicting, rows_set_aside
FROM weir.loads ORDER BY loaded_at DESC LIMIT 50;`,
    },
  ];
}
