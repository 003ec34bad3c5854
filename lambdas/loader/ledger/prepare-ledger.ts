import { LEDGER_SCHEMA } from "../../../wire/redshift-names.ts";
import { quoteText } from "../../../wire/sql-text.ts";
import type { DataApi } from "../data-api.ts";
import { addLedgerColumnSql, createLedgerTableSql, LEDGER_TABLES } from "./ledger-tables.ts";

/** Makes the ledger's tables where they are missing, and adds the columns of this release to those of an earlier one. */
export async function prepareLedger(api: DataApi): Promise<void> {
  const found = await api.ask([
    ...LEDGER_TABLES.map(createLedgerTableSql),
    `SELECT table_name, column_name FROM svv_columns WHERE table_schema = ${quoteText(LEDGER_SCHEMA)}`,
  ]);
  const there = new Set(found.map(([table, column]) => `${table}.${column}`));
  for (const table of LEDGER_TABLES) {
    for (const column of table.columns) {
      if (!there.has(`${table.name}.${column.name}`)) await addColumn(addLedgerColumnSql(table, column), api);
    }
  }
}

/** Another table of this loader may be prepared at the same time, and another loader. */
async function addColumn(sql: string, api: DataApi): Promise<void> {
  try {
    await api.run(sql);
  } catch (error) {
    if (!/already exists/i.test((error as Error).message)) throw error;
  }
}
