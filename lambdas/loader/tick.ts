import { Claims, type ClosedClaim } from "./claims.ts";
import { eraseTable } from "./erasure/erase-table.ts";
import { LakeErasures } from "./erasure/lake-erasures.ts";
import { KnownHeads } from "./known-heads.ts";
import { settle, type Step } from "./load.ts";
import { type ReadableLog, readLog } from "./read-log.ts";
import { readState } from "./read-state.ts";
import { isRetryDue, retryRefused } from "./set-aside/retry-refused.ts";
import { retrySetAside } from "./retry-set-aside.ts";
import type { TableState } from "./state.ts";
import type { Target } from "./target.ts";
import { TICK_LIMITS } from "./tick-limits.ts";
import {
  tellContested,
  tellHeld,
  tellRemovedColumns,
  tellUnreadable,
  type TickReport,
  waiting,
} from "./tick-report.ts";
import { type TickParts, Turn } from "./turn.ts";

export { TICK_LIMITS, type TickLimits, tickLimits } from "./tick-limits.ts";
export type { TableBehind, TickReport } from "./tick-report.ts";
export type { TickParts } from "./turn.ts";

/**
 * One turn of the loader: settles the loads that are open, opens new ones, submits what is due. It
 * never waits for a load. Each step is saved before the next, so a loader may die anywhere:
 *
 *   settle · erase · { claim and plan · save · submit · save }
 *
 * It goes on reading while there is more of the log and time, so that what was read is saved however far behind it is.
 *
 * A plan is saved before it is submitted: one that was submitted without that being saved is submitted
 * again with its token, which is the same statement for 8 hours; after that the ledger refuses it.
 *
 * @param scheduled false for the end of a load: then only a table with a backlog gets another one, so
 *   that all tables share the tick and the warehouse can rest between
 */
export async function tick(parts: TickParts, scheduled: boolean): Promise<TickReport> {
  const turn = new Turn(parts, await readState(parts));
  const log = new KnownHeads(parts.commitLog);
  turn.releaseHeld(scheduled);
  if (scheduled) await turn.beginTables(log);
  // Listed after the state is read: whoever saves it meanwhile, once an erasure is recorded, has this tick begin anew.
  const erasures = await LakeErasures.list(parts.lake);
  await turn.each((state, target) => settle(state, target, parts));
  if (turn.hasWarehouse) await turn.each((state, target) => eraseTable(state, target, erasures, parts));
  if (turn.hasWarehouse && (scheduled || turn.isTryingAgain)) {
    await turn.each(async (state, target) =>
      turn.isPaused(target) ? { state, events: [] } : tryAgain(state, target, erasures, parts),
    );
  }
  const { closed, failed } = await claimAll(turn, erasures, log, parts, scheduled);
  const busy = turn.endBusyTime();
  await turn.save();
  if (failed) throw failed.error;
  tellUnreadable(closed, parts.log);
  tellRemovedColumns(closed, parts.log);
  return {
    events: turn.events,
    contested: tellContested(closed, parts.log),
    ...tellHeld(turn.state, parts.log, scheduled),
    ...busy,
    ...(await waiting(turn, log, parts)),
  };
}

interface Claimed {
  readonly closed: ClosedClaim[];
  readonly failed?: { readonly error: unknown };
}

/** Opens loads, and reads on for tables that found none as far as one reading goes. */
async function claimAll(
  turn: Turn,
  erasures: LakeErasures,
  log: ReadableLog,
  parts: TickParts,
  scheduled: boolean,
): Promise<Claimed> {
  const closed: ClosedClaim[] = [];
  for (let isScheduled = scheduled; ; isScheduled = false) {
    const claims = claimsOf(turn, parts, erasures, isScheduled);
    const places = turn.places;
    // What cannot be read now keeps nothing waiting that was planned already.
    const failed = await readOn(claims, turn, log, parts, isScheduled).then(
      () => undefined,
      (error: unknown) => ({ error }),
    );
    closed.push(...claims.closed);
    for (const { target, state } of claims.closed) turn.set(target, state);
    await turn.save();
    await turn.submit();
    await turn.save();
    if (failed) return { closed, failed };
    if (!hasTime(parts) || !turn.hasMore || turn.places === places) return { closed };
  }
}

const hasTime = ({ until, now }: TickParts): boolean => until === undefined || now() < until;

/** Plans another load of what was set aside. Should the warehouse not answer, the table goes on with what is new. */
async function tryAgain(
  state: TableState,
  target: Target,
  erasures: LakeErasures,
  parts: TickParts,
): Promise<Step> {
  if (!isRetryDue(state, target, parts.now())) return { state, events: [] };
  try {
    return { state: await retryRefused(state, target, erasures, parts), events: [] };
  } catch (error) {
    parts.log.warn("set-aside objects could not be tried again", { table: target.name, error });
    return { state, events: [] };
  }
}

/** Claims for the tables that may open a load. */
function claimsOf(
  turn: Turn,
  { targets, lake, now, limits = TICK_LIMITS }: TickParts,
  erasures: LakeErasures,
  scheduled: boolean,
): Claims {
  const tables = targets
    .filter((target) => !turn.isPaused(target))
    .map((target) => ({ target, state: turn.table(target) }))
    .filter(({ state: { load, backlog } }) => load === undefined && (scheduled || backlog));
  return new Claims(tables, lake, now(), limits, erasures);
}

async function readOn(
  claims: Claims,
  turn: Turn,
  log: ReadableLog,
  parts: TickParts,
  scheduled: boolean,
): Promise<void> {
  const { lake, limits = TICK_LIMITS } = parts;
  // Between two ticks what is new comes first, however much was set aside.
  if (scheduled) await retrySetAside(claims, log, lake, (entry, commit) => turn.hold(entry, commit));
  await readLog(claims, log, limits, () => hasTime(parts));
  if (scheduled && hasTime(parts)) await turn.findUnknown(log);
}
