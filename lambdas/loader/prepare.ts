import type { DataApi, Value } from "./data-api.ts";
import { prepareSql } from "./table-ddl.ts";
import { schemaChanges, type TableColumn } from "./table-schema.ts";
import type { Target } from "./target.ts";

/**
 * Makes the table, its lock table and the ledger where they are missing, and adds what the table lacks.
 *
 * @returns the changes that were made to a table that was there
 * @throws LoaderError SCHEMA_CONFLICT, STATEMENT, NOT_IN_TIME
 */
export async function prepareTable(target: Target, api: DataApi): Promise<readonly string[]> {
  const found = (await api.ask(prepareSql(target))).map(tableColumn);
  const changes = schemaChanges(target, found);
  for (const sql of changes) await api.run(sql);
  return changes;
}

function tableColumn([name, dataType, length, precision, scale]: Value[]): TableColumn {
  return {
    name: String(name),
    dataType: String(dataType),
    length: number(length),
    precision: number(precision),
    scale: number(scale),
  };
}

/** SVV_COLUMNS has numbers; a driver may hand them over as text. */
const number = (value: Value): number | undefined => (value === undefined ? undefined : Number(value));
