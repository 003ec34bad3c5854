import type { CommandOf, LoaderAnswers, TablePause } from "../../../wire/loader-command.ts";
import { LoaderError } from "../loader-error.ts";
import { paused, pauseOf, resumed } from "../pause.ts";
import type { LoaderState } from "../state.ts";
import type { CommandSession } from "./command.ts";

/** Has no more loads begin, of a table or of all. What runs comes to its end, and commits wait in the log. */
export async function pause(
  { table, by, reason }: CommandOf<"pause">,
  session: CommandSession,
): Promise<LoaderAnswers["pause"]> {
  const { state, parts } = session;
  if (table !== undefined && !isKnown(table, session)) return { tables: [] };
  const since = parts.now().toISOString();
  const asked = { since, ...(by !== undefined && { by }), ...(reason !== undefined && { reason }) };
  const after = paused(state, table, asked);
  await session.save(after);
  return { tables: pausesOf(after, table, session) };
}

/** Has loads begin again with the next tick, from where each table stands. */
export async function resume(
  { table }: CommandOf<"resume">,
  session: CommandSession,
): Promise<LoaderAnswers["resume"]> {
  const { state } = session;
  if (table !== undefined && !isKnown(table, session)) return { tables: [] };
  if (table !== undefined && state.pauses?.all !== undefined) {
    const hint = "resume all of them, and pause those by name that are to stay so";
    throw new LoaderError("ALL_PAUSED", "all tables are paused at once", hint);
  }
  const after = resumed(state, table);
  await session.save(after);
  return { tables: pausesOf(after, table, session) };
}

/** Another warehouse may have it, whose loader is asked as well. One that no type names any more may still be paused. */
function isKnown(table: string, { state, parts }: CommandSession): boolean {
  return parts.targets.some(({ name }) => name === table) || Object.hasOwn(state.pauses?.tables ?? {}, table);
}

function pausesOf(state: LoaderState, asked: string | undefined, { parts }: CommandSession): TablePause[] {
  const tables = asked === undefined ? parts.targets.map(({ name }) => name) : [asked];
  return tables.map((table) => {
    const pause = pauseOf(state, table);
    return { table, ...(pause && { paused: pause }) };
  });
}
