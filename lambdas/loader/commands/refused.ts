import type { CommandOf, LoaderAnswers } from "../../../wire/loader-command.ts";
import { readRefusedCount } from "../set-aside/retry-refused.ts";
import { skipSql } from "../set-aside/set-aside-sql.ts";
import { newTable } from "../state.ts";
import type { Target } from "../target.ts";
import type { CommandSession } from "./command.ts";

/** Has a table's failed load and its set-aside objects tried with the next tick, however often they failed. */
export async function retry(
  { table }: CommandOf<"retry">,
  session: CommandSession,
): Promise<LoaderAnswers["retry"]> {
  const target = targetOf(table, session);
  if (target === undefined) return { tables: [] };
  const hasFailed = await makeDue(target, session);
  return { tables: [{ ...(await recount(target, session)), ...(hasFailed && { load: true }) }] };
}

/** @returns whether there is a load that waits, for itself or for the warehouse */
async function makeDue({ name }: Target, session: CommandSession): Promise<boolean> {
  const { state, parts } = session;
  const notBefore = parts.now().toISOString();
  const table = state.tables[name];
  if (table?.load?.failure === undefined || table.load.statementId !== undefined) return false;
  const load = { ...table.load, failure: { ...table.load.failure, notBefore } };
  await session.save({
    ...state,
    ...(state.away && { away: { ...state.away, notBefore } }),
    tables: { ...state.tables, [name]: { ...table, load } },
  });
  return true;
}

/** Gives up set-aside objects of a table. */
export async function skip(
  { table, object }: CommandOf<"skip">,
  session: CommandSession,
): Promise<LoaderAnswers["skip"]> {
  const target = targetOf(table, session);
  if (target === undefined) return { tables: [] };
  await session.parts.api.run(skipSql(target, object));
  return { tables: [await recount(target, session)] };
}

/** Another warehouse may have it, whose loader is asked as well. */
const targetOf = (table: string, { parts }: CommandSession): Target | undefined =>
  parts.targets.find(({ name }) => name === table);

/** What waits by what the warehouse says, due at once. */
async function recount(
  target: Target,
  session: CommandSession,
): Promise<{ table: string; objects: number; rows: number }> {
  const { state, parts } = session;
  const { name } = target;
  const { refused: known, ...table } = state.tables[name] ?? newTable();
  const counted = await readRefusedCount(target, parts);
  const since = known?.since ?? counted?.since;
  const notBefore = parts.now().toISOString();
  const refused = counted && { ...counted, since: since!, notBefore };
  await session.save({
    ...state,
    tables: { ...state.tables, [name]: { ...table, ...(refused && { refused }) } },
  });
  return { table: name, objects: counted?.objects ?? 0, rows: counted?.rows ?? 0 };
}
