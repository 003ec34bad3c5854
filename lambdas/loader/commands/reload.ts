import type { CommandOf, LoaderAnswers } from "../../../wire/loader-command.ts";
import { LOG_BEGINNING } from "../../commit-log/cursor.ts";
import { reload as reloadTable } from "../ledger/reload.ts";
import { placeOf } from "../log-place.ts";
import { newTable } from "../state.ts";
import type { CommandSession } from "./command.ts";

/** Has a table read the log again, and load what it lacks. */
export async function reload(
  { table, from }: CommandOf<"reload">,
  session: CommandSession,
): Promise<LoaderAnswers["reload"]> {
  const { state, parts } = session;
  const target = parts.targets.find(({ name }) => name === table);
  // Another warehouse may have it, whose loader is asked as well.
  if (target === undefined) return { tables: [] };
  const cursor = from === undefined ? LOG_BEGINNING : await placeOf(new Date(from), parts.commitLog);
  const reloading = await reloadTable(state.tables[table] ?? newTable(), target, cursor, parts);
  await session.save({ ...state, tables: { ...state.tables, [table]: reloading } });
  return { tables: [{ table, cursor }] };
}
