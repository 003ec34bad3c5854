import type { PauseStatus } from "../../wire/loader-command.ts";
import type { ClosedClaim } from "./claims.ts";
import { Lag } from "./lag.ts";
import type { LoadEvent, Log } from "./load.ts";
import { pauseOf } from "./pause.ts";
import type { ReadableLog } from "./read-log.ts";
import type { LoaderState, TableState } from "./state.ts";
import type { Target } from "./target.ts";
import type { TickParts, Turn } from "./turn.ts";

export interface TickReport {
  /** Age of the oldest commit that some table has not loaded, 0 where none is. */
  readonly lagSeconds: number;
  readonly events: readonly LoadEvent[];
  /** Rows whose type nobody knows, and that wait for one; left out where there are none. */
  readonly held?: readonly HeldRows[];
  /** Commits that cannot be read: each is one until it can. */
  readonly unreadable: number;
  /** Objects that the warehouse refuses, over all tables, and their rows; left out where there are none. */
  readonly refused?: Refused;
  /** The same of each table that has some. */
  readonly refusedByTable?: Readonly<Record<string, Refused>>;
  /** Sources that more than one host claims, among the commits that were read. */
  readonly contested: number;
  /** Tables that have not loaded some commit; left out where there are none. */
  readonly behind?: readonly TableBehind[];
  /** How long the warehouse loaded; left out unless the last load that ran was seen to have ended. */
  readonly busySeconds?: number;
}

export interface HeldRows {
  readonly type: string;
  readonly rows: number;
  readonly commits: number;
  /** Minute of the oldest commit. */
  readonly oldestAt?: string | undefined;
}

export interface Refused {
  readonly objects: number;
  readonly rows: number;
}

export interface TableBehind {
  readonly table: string;
  /** Age of the oldest commit that it has not loaded. */
  readonly lagSeconds: number;
  /** The last failure of the open load, and when it is tried again. */
  readonly failure?: { readonly error: string; readonly notBefore: string };
  /** An operator has paused its loads. */
  readonly paused?: PauseStatus;
}

/** Examples in a log line of what may be many: it has the first few. */
const LOGGED_EXAMPLES = 5;

/** Told on each tick, since nothing goes on until somebody says what becomes of them. */
export function tellHeld({ held }: LoaderState, log: Log, scheduled: boolean): Pick<TickReport, "held"> {
  const rows = Object.entries(held?.types ?? {})
    .filter(([, { commits }]) => commits > 0)
    .map(([type, { rows, commits, oldestAt }]) => ({ type, rows, commits, oldestAt }));
  if (rows.length === 0) return {};
  const hint = "give the type back, or name it among the formerNames of another, or among `retired`";
  if (scheduled) log.error("rows of a type that nobody knows are held", { held: rows, hint });
  return { held: rows };
}

/** Tables read the same log: what they all fail to read is told once. */
export function tellUnreadable(closed: readonly ClosedClaim[], log: Log): void {
  const unreadable = new Map(closed.flatMap((claim) => claim.unreadable).map((one) => [one.key, one]));
  if (unreadable.size === 0) return;
  const first = [...unreadable.values()].slice(0, LOGGED_EXAMPLES);
  log.error("commits cannot be read", { count: unreadable.size, first });
}

export function tellRemovedColumns(closed: readonly ClosedClaim[], log: Log): void {
  for (const { target, toExtra } of closed) {
    if (toExtra.size === 0) continue;
    const fields = [...toExtra].slice(0, LOGGED_EXAMPLES);
    log.warn("fields without a column are loaded into _extra", {
      table: target.name,
      count: toExtra.size,
      fields,
    });
  }
}

/** @returns how many */
export function tellContested(closed: readonly ClosedClaim[], log: Log): number {
  const contested = new Map(closed.flatMap((claim) => [...claim.contested]));
  if (contested.size === 0) return 0;
  const first = [...contested].slice(0, LOGGED_EXAMPLES).map(([id, hosts]) => ({ id, hosts: [...hosts] }));
  log.warn("sources that more than one host claims", { count: contested.size, first });
  return contested.size;
}

/** What some table has not loaded yet. */
export async function waiting(
  turn: Turn,
  log: ReadableLog,
  { targets, now }: TickParts,
): Promise<Pick<TickReport, "lagSeconds" | "unreadable" | "refused" | "refusedByTable" | "behind">> {
  const lag = new Lag(log);
  const behind: TableBehind[] = [];
  const refused = { objects: 0, rows: 0 };
  const refusedByTable: Record<string, Refused> = {};
  let [lagSeconds, unreadable] = [0, 0];
  for (const target of targets) {
    const state = turn.table(target);
    unreadable = Math.max(unreadable, sum(state.setAside));
    const { objects = 0, rows = 0 } = state.refused ?? {};
    refused.objects += objects;
    refused.rows += rows;
    if (objects > 0) refusedByTable[target.name] = { objects, rows };
    const since = await lag.since(state);
    if (since === undefined) continue;
    const tableLag = (now().getTime() - Date.parse(since)) / 1_000;
    lagSeconds = Math.max(lagSeconds, tableLag);
    const paused = pauseOf(turn.state, target.name);
    behind.push({ ...tableBehind(target, tableLag, state), ...(paused && { paused }) });
  }
  return {
    lagSeconds,
    unreadable,
    ...(refused.objects > 0 && { refused, refusedByTable }),
    ...(behind.length > 0 && { behind }),
  };
}

/** Commits that could not be read; those that were held can. */
const sum = (setAside: TableState["setAside"]): number =>
  setAside.reduce((sum, { count, types }) => sum + (types === undefined ? count : 0), 0);

function tableBehind({ name: table }: Target, lagSeconds: number, { load }: TableState): TableBehind {
  if (load?.failure === undefined || load.statementId !== undefined) return { table, lagSeconds };
  const { error, notBefore } = load.failure;
  return { table, lagSeconds, failure: { error, notBefore } };
}
