import type { CommandOf, LoaderAnswers, TableErasure, TableMatch } from "../../../wire/loader-command.ts";
import { parseErasureKey, erasureKey } from "../../../wire/erasure.ts";
import { matchSql } from "../erasure/erase-sql.ts";
import { eraseTable } from "../erasure/erase-table.ts";
import { LakeErasures } from "../erasure/lake-erasures.ts";
import { LoaderError } from "../loader-error.ts";
import { newTable, type TableState } from "../state.ts";
import { type Target, typesOf } from "../target.ts";
import type { TickParts } from "../tick.ts";
import type { CommandSession } from "./command.ts";

/**
 * Goes on with an erasure that the lake records, in all tables of its type, and says how far they are. The state that is
 * saved differs from what a tick may be working on that has not seen the record, so that one begins anew: no load that
 * is not told of here reads what the erasure replaces.
 */
export async function erase(
  { id }: CommandOf<"erase">,
  session: CommandSession,
): Promise<LoaderAnswers["erase"]> {
  const { state, parts } = session;
  const type = parseErasureKey(erasureKey(id))?.type;
  const erasures = await LakeErasures.list(parts.lake);
  if (type === undefined || !erasures.of({ type, formerNames: [] }).includes(id))
    throw new LoaderError("NO_ERASURE", `the lake has no record of an erasure ${id}`);
  const tables = { ...state.tables };
  const told: TableErasure[] = [];
  for (const target of targetsOf(type, parts)) {
    const before = askedAgain(tables[target.name] ?? newTable());
    const { state: after } = await eraseTable(before, target, erasures, parts);
    tables[target.name] = after;
    told.push(tableErasure(target.name, after, erasures.of(target).length));
  }
  await session.save({ ...state, tables });
  return { tables: told };
}

/** Counts what an erasure's condition is for, in all tables of the type. */
export async function match(
  { type, condition, arrivedBefore }: CommandOf<"match">,
  { parts }: CommandSession,
): Promise<LoaderAnswers["match"]> {
  const tables: TableMatch[] = [];
  for (const target of targetsOf(type, parts)) {
    const sql = matchSql(condition, arrivedBefore, target);
    tables.push({ table: target.name, ...(sql !== undefined && (await counted(sql, parts))) });
  }
  return { tables };
}

/** Tables that have rows of the type, or of what it is called by now. */
const targetsOf = (type: string, { targets }: TickParts): Target[] =>
  targets.filter((target) => typesOf(target).includes(type));

/** Somebody who asks has mended what it failed of, perhaps, and is told what the warehouse says. */
function askedAgain(state: TableState): TableState {
  const { erasures } = state;
  if (erasures === undefined) return state;
  const { failure, running } = erasures;
  return {
    ...state,
    erasures: {
      applied: 0,
      ...(running && { running }),
      ...(failure && { failure: { ...failure, notBefore: new Date(0).toISOString() } }),
    },
  };
}

function tableErasure(table: string, { erasures, load }: TableState, listed: number): TableErasure {
  const { applied = 0, failure, running } = erasures ?? {};
  const openLoad = load && (load.erasures?.listed ?? 0) < listed ? { openLoad: load.id } : {};
  if (applied >= listed) return { table, condition: "erased", ...openLoad };
  if (failure && !running) return { table, condition: "failed", error: failure.error, ...openLoad };
  return { table, condition: "erasing", ...openLoad };
}

/** A table that was never loaded is not there yet. */
async function counted(sql: string, { api }: TickParts): Promise<{ rows?: number }> {
  try {
    const [row] = await api.ask([sql]);
    return { rows: Number(row?.[0] ?? 0) };
  } catch (error) {
    if (/does not exist/i.test((error as Error).message)) return {};
    throw error;
  }
}
