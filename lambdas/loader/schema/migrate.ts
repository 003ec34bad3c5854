import { DATA_API_BATCH_MAX_STATEMENTS } from "../../../wire/limits.ts";
import type { DataApi } from "../data-api.ts";
import { reconcile, type SchemaChange, type TableColumn } from "../table-schema.ts";
import type { Target } from "../target.ts";
import { recordSql } from "./migration.ts";

/**
 * Makes and records the changes that a table wants. Another loader, or a person, may be at the same: whatever a statement
 * failed of, it is done once the table does not want it any more.
 *
 * @param ask what the table has now
 * @returns the changes that were made
 * @throws LoaderError SCHEMA_CONFLICT, STATEMENT, NOT_IN_TIME where somebody reads the table for too long
 */
export async function migrate(
  target: Target,
  found: readonly TableColumn[],
  { api, by, ask }: { readonly api: DataApi; readonly by: string; readonly ask: AskColumns },
): Promise<readonly SchemaChange[]> {
  const made: SchemaChange[] = [];
  let wanted = reconcile(target, found);
  while (wanted.length > 0) {
    const batch = firstBatch(wanted);
    try {
      await run(target, batch, by, api);
      made.push(...batch);
      wanted = wanted.slice(batch.length);
    } catch (error) {
      const left = reconcile(target, await ask());
      if (left.length >= wanted.length) throw error;
      wanted = left;
    }
  }
  return made;
}

type AskColumns = () => Promise<readonly TableColumn[]>;

/** ALTER COLUMN TYPE cannot run inside a transaction, so that its record is made after it. */
async function run(target: Target, batch: readonly SchemaChange[], by: string, api: DataApi): Promise<void> {
  const record = recordSql(target, batch, by);
  const [{ kind, sql }] = batch as [SchemaChange];
  if (kind === "add-column") return api.alter([...batch.map(({ sql }) => sql), record]);
  await api.alter([sql]);
  await api.run(record);
}

/** SQL of one batch, at most: its record, which is longer, has the rest of the 100 KB. */
const BATCH_MAX_BYTES = 30_000;

/** Columns are added many at a time, each batch a transaction: a wide table may lack a thousand. */
function firstBatch(changes: readonly SchemaChange[]): readonly SchemaChange[] {
  if (changes[0]!.kind === "widen-column") return changes.slice(0, 1);
  let [count, bytes] = [0, 0];
  for (const { kind, sql } of changes) {
    bytes += Buffer.byteLength(sql);
    const isFull = count === DATA_API_BATCH_MAX_STATEMENTS - 1 || (count > 0 && bytes > BATCH_MAX_BYTES);
    if (kind === "widen-column" || isFull) break;
    count++;
  }
  return changes.slice(0, count);
}
