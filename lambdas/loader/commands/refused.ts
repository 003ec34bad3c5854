import type { CommandOf, LoaderAnswers } from "../../../wire/loader-command.ts";
import { LoaderError } from "../loader-error.ts";
import { readRefusedCount } from "../set-aside/retry-refused.ts";
import { skipSql } from "../set-aside/set-aside-sql.ts";
import { type LoaderState, newTable, type RefusedCount } from "../state.ts";
import type { Target } from "../target.ts";
import type { CommandSession } from "./command.ts";

/** Has a table's failed load and its set-aside objects tried with the next tick, however often they failed. */
export async function retry(
  { table }: CommandOf<"retry">,
  session: CommandSession,
): Promise<LoaderAnswers["retry"]> {
  const target = targetOf(table, session);
  if (target === undefined) return { tables: [] };
  const due = withLoadDue(target, session);
  // What the warehouse has to say of objects may take long, or not come at all.
  if (due !== undefined) await session.save(due);
  const counted = await recount(target, session, due);
  return { tables: [{ ...counted, ...(due !== undefined && { load: true }) }] };
}

/** @returns the state whose load of the table waits for nothing; undefined where there is none that waits */
function withLoadDue({ name }: Target, { state, parts }: CommandSession): LoaderState | undefined {
  const notBefore = parts.now().toISOString();
  const table = state.tables[name];
  if (table?.load?.failure === undefined || table.load.statementId !== undefined) return undefined;
  const load = { ...table.load, failure: { ...table.load.failure, notBefore } };
  return {
    ...state,
    // It may be the warehouse that it waits for.
    ...(state.away && { away: { ...state.away, notBefore } }),
    tables: { ...state.tables, [name]: { ...table, load } },
  };
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

/** Saves what waits by what the warehouse says, due at once. @param state what is saved besides */
async function recount(
  target: Target,
  session: CommandSession,
  state: LoaderState = session.state,
): Promise<{ table: string; objects: number; rows: number }> {
  const { parts } = session;
  const { name } = target;
  const { refused: known, ...table } = state.tables[name] ?? newTable();
  const counted = await countRefused(target, session);
  const since = known?.since ?? counted?.since;
  const notBefore = parts.now().toISOString();
  const refused = counted && { ...counted, since: since!, notBefore };
  await session.save({
    ...state,
    tables: { ...state.tables, [name]: { ...table, ...(refused && { refused }) } },
  });
  return { table: name, objects: counted?.objects ?? 0, rows: counted?.rows ?? 0 };
}

/** Where no load has ended yet, the warehouse has no table of what was set aside. */
async function countRefused(target: Target, { parts }: CommandSession): Promise<RefusedCount | undefined> {
  try {
    return await readRefusedCount(target, parts);
  } catch (error) {
    if (error instanceof LoaderError && /does not exist/i.test(error.message)) return undefined;
    throw error;
  }
}
