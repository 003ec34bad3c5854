import { parseConfig } from "../../../wire/config.ts";
import type { CommandOf, LoaderSchema, TableRefusal, TableSchema } from "../../../wire/loader-command.ts";
import type { DataApi } from "../data-api.ts";
import { LoaderError } from "../loader-error.ts";
import { prepareTable, tableColumns } from "../prepare.ts";
import { BY_LOADER } from "../schema/migration.ts";
import { publications } from "../schema/publication.ts";
import { duePublications, publish, UNPUBLISHED_HINT } from "../schema/publish.ts";
import { attributeConflicts } from "../schema/table-attributes.ts";
import { createTableSql } from "../table-ddl.ts";
import { compareSchema } from "../table-schema.ts";
import { type Target, targetsOf } from "../target.ts";
import type { CommandSession } from "./command.ts";

/** How the tables differ from the configuration, and what the loader does about it: at once, where it is to. */
export async function schema(
  { apply, config, by = BY_LOADER }: CommandOf<"schema">,
  { parts: { api, targets, warehouse } }: CommandSession,
): Promise<LoaderSchema> {
  if (apply && config !== undefined) {
    throw new LoaderError("BAD_COMMAND", "config: only what is deployed is applied", "deploy it first");
  }
  const tables: TableSchema[] = [];
  for (const target of config === undefined ? targets : configured(config, warehouse)) {
    const found = await difference(target, api);
    tables.push(apply ? await applied(target, found, by, api) : found);
  }
  return { tables };
}

/** Tables of this loader's own warehouse. @throws LoaderError BAD_COMMAND, which names every field at fault */
function configured(config: unknown, warehouse: string | undefined): Target[] {
  try {
    return targetsOf(parseConfig(config, "config"), warehouse);
  } catch (error) {
    throw new LoaderError("BAD_COMMAND", (error as Error).message, undefined, { cause: error });
  }
}

async function difference(target: Target, api: DataApi): Promise<TableSchema> {
  const table = target.name;
  const found = await tableColumns(target, api);
  if (found.length === 0) {
    const created = { kind: "create-table", subject: table, sql: createTableSql(target) } as const;
    return { table, changes: [created, ...publications(target).map(change)], refused: [] };
  }
  const { changes, conflicts } = compareSchema(target, found);
  const refused = [...conflicts, ...(await attributeConflicts(target, api))];
  const published = await whatIsDue(target, api);
  return { table, changes: [...changes, ...published.map(change)], refused };
}

/** All of it where weir.migrations is not there yet. */
async function whatIsDue(target: Target, api: DataApi): Promise<ReturnType<typeof publications>> {
  try {
    return await duePublications(target, api);
  } catch (error) {
    if (error instanceof LoaderError && /does not exist/i.test(error.message)) return publications(target);
    throw error;
  }
}

/** What keeps a table from being changed keeps nothing from the others. */
async function applied(
  target: Target,
  { table, changes, refused }: TableSchema,
  by: string,
  api: DataApi,
): Promise<TableSchema> {
  if (refused.some(({ stops }) => stops)) return { table, changes: [], refused };
  const ofTable = changes.filter(({ kind }) => kind !== "view" && kind !== "grant");
  try {
    await prepareTable(target, api, by);
    const { done, failed } = await publish(target, api, by);
    const unpublished = failed.map(({ publication: { subject, statements }, error }): TableRefusal => ({
      subject,
      reason: error,
      stops: false,
      wayOut: UNPUBLISHED_HINT,
      sql: statements,
    }));
    return { table, changes: [...ofTable, ...done.map(change)], refused: [...refused, ...unpublished] };
  } catch (error) {
    if (!(error instanceof LoaderError)) throw error;
    const failure = { subject: table, reason: error.message, stops: true, wayOut: error.hint ?? "", sql: [] };
    return { table, changes: [], refused: [...refused, failure] };
  }
}

const change = ({ kind, subject, sql }: TableSchema["changes"][number]): TableSchema["changes"][number] => ({
  kind,
  subject,
  sql,
});
