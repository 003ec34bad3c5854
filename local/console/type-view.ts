import type { LogType } from "../../wire/log-type.ts";
import { parseTableName, tablesOf, type WarehouseOf } from "../reconcile/warehouse.ts";
import type { LakeLines } from "./lake-lines.ts";
import { settingText } from "./setting-text.ts";
import type { LakeTotals } from "./watch-lake.ts";

const SHOWN = { lines: 50, bytes: 512 * 2 ** 10 };

/** What the page shows of a log type, beside its counts. */
export interface TypeView {
  readonly name: string;
  /** How its lines are read, as the configuration has it. */
  readonly settings: string;
  readonly columns: readonly { readonly name: string; readonly type: string; readonly from: string }[];
  /** Tables that can be asked for its latest rows, and with what statement. */
  readonly tables: readonly { readonly warehouse: string; readonly table: string; readonly sql: string }[];
  /** Rows of its newest object, for a type that has no table: each is JSON. */
  readonly lake: { readonly key: string; readonly rows: readonly string[] } | undefined;
}

/** @param type undefined for one that the configuration does not have, such as lines that no type takes */
export async function typeView(
  name: string,
  type: LogType | undefined,
  warehouseOf: WarehouseOf,
  { totals, lines }: { readonly totals: LakeTotals; readonly lines: LakeLines },
  signal: AbortSignal,
): Promise<TypeView> {
  const tables = type ? tablesOf(type, warehouseOf).map(askedTable) : [];
  const key = totals.latestData(name);
  const isAsked = tables.length === 0 && key !== undefined;
  return {
    name,
    settings: type ? settingText({ match: type.match, parse: type.parse, time: type.time }) : "",
    columns: (type?.columns ?? []).map((column) => ({
      name: column.name,
      type: `${column.type}${column.nullable ? "" : ", not null"}`,
      from: column.value ?? column.field ?? column.name,
    })),
    tables,
    lake: isAsked ? { key, rows: (await lines.first(key, SHOWN, signal)).lines } : undefined,
  };
}

function askedTable(name: string): TypeView["tables"][number] {
  const [warehouse, table] = parseTableName(name);
  const quoted = table.replace(/[^.]+/g, '"$&"');
  return {
    warehouse,
    table,
    sql: `SELECT * FROM ${quoted} ORDER BY _arrived_at DESC, _off DESC LIMIT ${SHOWN.lines}`,
  };
}
