import { LEDGER_SCHEMA } from "../../../wire/redshift-names.ts";
import { quoteText } from "../../../wire/sql-text.ts";
import type { DataApi } from "../data-api.ts";
import { lockTableSql, rangesTableSql, type Target } from "../target.ts";
import { addLedgerColumnSql, createLedgerTableSql, ledgerTables } from "./ledger-tables.ts";
import { mergedRanges } from "./ranges-sql.ts";

/** Makes the ledger's tables where they are missing, and brings those of an earlier release up to this one. */
export async function prepareLedger(target: Target, api: DataApi): Promise<void> {
  const tables = ledgerTables(target);
  const found = await api.ask([
    ...tables.map(createLedgerTableSql),
    `SELECT table_name, column_name FROM svv_columns WHERE table_schema = ${quoteText(LEDGER_SCHEMA)}`,
  ]);
  const there = new Set(found.map(([table, column]) => `${table}.${column}`));
  for (const table of tables) {
    for (const column of table.columns) {
      if (!there.has(`${table.name}.${column.name}`)) await addColumn(addLedgerColumnSql(table, column), api);
    }
  }
  if (there.has("ranges.src")) await api.ask(moveRangesSql(target));
}

/** Another table of this loader may be prepared at the same time, and another loader. */
async function addColumn(sql: string, api: DataApi): Promise<void> {
  try {
    await api.run(sql);
  } catch (error) {
    if (!/already exists/i.test((error as Error).message)) throw error;
  }
}

/**
 * Earlier releases had the ranges of all targets in one table, and every commit in weir.commits. Of two loaders that
 * move them, the one that comes second finds nothing left, or fails and tries again.
 */
function moveRangesSql(target: Target): string[] {
  const name = quoteText(target.name);
  const old = `SELECT src, from_off, to_off, arrived_from, arrived_to, getdate() AS loaded_at FROM weir.ranges WHERE target = ${name}`;
  return [
    `LOCK TABLE ${lockTableSql(target)}`,
    `INSERT INTO ${rangesTableSql(target)} ${mergedRanges(old)}`,
    `DELETE FROM weir.ranges WHERE target = ${name}`,
    `DELETE FROM weir.commits WHERE target = ${name} AND foreign_rows = 0`,
    "SELECT 1",
  ];
}
