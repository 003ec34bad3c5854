import type { CommandOf, LoaderAnswers } from "../../../wire/loader-command.ts";
import { readRefusedCount } from "../set-aside/retry-refused.ts";
import { skipSql } from "../set-aside/set-aside-sql.ts";
import { newTable } from "../state.ts";
import type { Target } from "../target.ts";
import type { CommandSession } from "./command.ts";

/** Has set-aside objects of a table tried again with the next tick, however often they were refused. */
export async function retry(
  { table }: CommandOf<"retry">,
  session: CommandSession,
): Promise<LoaderAnswers["retry"]> {
  const target = targetOf(table, session);
  return { tables: target ? [await recount(target, session)] : [] };
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
