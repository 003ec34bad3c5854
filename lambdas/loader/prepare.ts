import type { DataApi, Value } from "./data-api.ts";
import { prepareLedger } from "./ledger/prepare-ledger.ts";
import { LoaderError } from "./loader-error.ts";
import { migrate } from "./schema/migrate.ts";
import { BY_LOADER, recordSql } from "./schema/migration.ts";
import { createTableSql, prepareSql, tableColumnsSql } from "./table-ddl.ts";
import type { TableColumn } from "./table-schema.ts";
import type { Target } from "./target.ts";

/**
 * Makes the table, its lock table and the ledger where they are missing, and adds what the table lacks. Each change is
 * recorded in weir.migrations.
 *
 * @param by whoever asked for it
 * @returns the changes that were made to a table that was there
 * @throws LoaderError SCHEMA_CONFLICT, STATEMENT, NOT_IN_TIME
 */
export async function prepareTable(
  target: Target,
  api: DataApi,
  by: string = BY_LOADER,
): Promise<readonly string[]> {
  try {
    await prepareLedger(target, api);
    const isThere = (await tableColumns(target, api)).length > 0;
    const created = { kind: "create-table", subject: target.name, sql: createTableSql(target) } as const;
    const recorded = isThere ? [] : [recordSql(target, [created], by)];
    const found = (await api.ask(prepareSql(target, recorded))).map(tableColumn);
    const changes = await migrate(target, found, { api, by, ask: () => tableColumns(target, api) });
    return changes.map(({ sql }) => sql);
  } catch (error) {
    throw withHint(error as Error);
  }
}

/** The columns that the table has, none where there is no table. */
export async function tableColumns(target: Target, api: DataApi): Promise<readonly TableColumn[]> {
  return (await api.ask([tableColumnsSql(target)])).map(tableColumn);
}

/** What the loader finds where it was not given its rights, or not for this table. */
const NO_RIGHTS = /schema "[^"]*" does not exist|permission denied|must be owner/i;

function withHint(error: Error): Error {
  if (!(error instanceof LoaderError) || error.code !== "STATEMENT" || !NO_RIGHTS.test(error.message))
    return error;
  const hint = "an administrator of the warehouse has to run what `weir warehouse grants` prints";
  return new LoaderError("STATEMENT", error.message, hint, { cause: error });
}

function tableColumn([name, dataType, length, precision, scale, nullable, byDefault]: Value[]): TableColumn {
  return {
    name: String(name),
    dataType: String(dataType),
    length: number(length),
    precision: number(precision),
    scale: number(scale),
    isRequired: String(nullable).toUpperCase() === "NO",
    hasDefault: byDefault !== undefined && byDefault !== "",
  };
}

/** SVV_COLUMNS has numbers; a driver may hand them over as text. */
const number = (value: Value): number | undefined => (value === undefined ? undefined : Number(value));
