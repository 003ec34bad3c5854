import { DATA_API_BATCH_MAX_STATEMENTS } from "../../wire/limits.ts";
import type { DataApi, Value } from "./data-api.ts";
import { prepareLedger } from "./ledger/prepare-ledger.ts";
import { LoaderError } from "./loader-error.ts";
import { prepareSql } from "./table-ddl.ts";
import { reconcile, type SchemaChange, type TableColumn } from "./table-schema.ts";
import type { Target } from "./target.ts";

/**
 * Makes the table, its lock table and the ledger where they are missing, and adds what the table lacks.
 *
 * @returns the changes that were made to a table that was there
 * @throws LoaderError SCHEMA_CONFLICT, STATEMENT, NOT_IN_TIME
 */
export async function prepareTable(target: Target, api: DataApi): Promise<readonly string[]> {
  try {
    await prepareLedger(api);
    const found = (await api.ask(prepareSql(target))).map(tableColumn);
    const changes = reconcile(target, found);
    for (const sqls of batches(changes)) await (sqls.length === 1 ? api.run(sqls[0]!) : api.runAll(sqls));
    return changes.map(({ sql }) => sql);
  } catch (error) {
    throw withHint(error as Error);
  }
}

/** SQL of one call, at most: of the 100 KB there are, the rest is for what else a call says. */
const BATCH_MAX_BYTES = 60_000;

/** Columns are added many at a time, each batch a transaction: a wide table may lack a thousand. */
function* batches(changes: readonly SchemaChange[]): Generator<string[]> {
  let batch: string[] = [];
  let bytes = 0;
  for (const { kind, sql } of changes) {
    const size = Buffer.byteLength(sql);
    const isFull = batch.length === DATA_API_BATCH_MAX_STATEMENTS || bytes + size > BATCH_MAX_BYTES;
    if (batch.length > 0 && (isFull || kind === "widen-column")) {
      yield batch;
      [batch, bytes] = [[], 0];
    }
    // ALTER COLUMN TYPE cannot run inside a transaction.
    if (kind === "widen-column") yield [sql];
    else [batch, bytes] = [[...batch, sql], bytes + size];
  }
  if (batch.length > 0) yield batch;
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
