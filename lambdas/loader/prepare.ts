import type { DataApi, Value } from "./data-api.ts";
import { LoaderError } from "./loader-error.ts";
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
  try {
    const found = (await api.ask(prepareSql(target))).map(tableColumn);
    const changes = schemaChanges(target, found);
    for (const sql of changes) await api.run(sql);
    return changes;
  } catch (error) {
    throw withHint(error as Error);
  }
}

/** What the loader finds where it was not given its rights, or not for this table. */
const NO_RIGHTS = /schema "[^"]*" does not exist|permission denied|must be owner/i;

function withHint(error: Error): Error {
  if (!(error instanceof LoaderError) || error.code !== "STATEMENT" || !NO_RIGHTS.test(error.message))
    return error;
  const hint = "an administrator of the warehouse has to run what `weir warehouse grants` prints";
  return new LoaderError("STATEMENT", error.message, hint, { cause: error });
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
