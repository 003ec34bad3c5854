import type { CommitLog } from "../commit-log/commit-log.ts";
import type { SavedState } from "../commit-log/saved-state.ts";
import { isResting, stillAway } from "./breaker.ts";
import { busyTime } from "./busy-time.ts";
import type { ClaimLimits } from "./claim.ts";
import { Claims, type ClosedClaim } from "./claims.ts";
import { eraseTable } from "./erasure/erase-table.ts";
import { LakeErasures } from "./erasure/lake-erasures.ts";
import { findUnknown } from "./held/find-unknown.ts";
import type { KnownTypes } from "./held/held-types.ts";
import { typesOfTargets } from "./held/known-types.ts";
import { releaseHeld } from "./held/release.ts";
import { KnownHeads } from "./known-heads.ts";
import { Lag } from "./lag.ts";
import { type LoadEvent, type LoadParts, type Log, settle, type Step, submit } from "./load.ts";
import { beginTable } from "./new-table.ts";
import { type ReadableLog, readLog, type ReadLimits } from "./read-log.ts";
import { readState } from "./read-state.ts";
import { isRetryDue, retryRefused } from "./set-aside/retry-refused.ts";
import { retrySetAside } from "./retry-set-aside.ts";
import { type LoaderState, newTable, type TableState } from "./state.ts";
import { fingerprint } from "./table-ddl.ts";
import type { Target } from "./target.ts";

export interface TickLimits extends ClaimLimits, ReadLimits {
  /** Memory of all loads that are being planned, about. */
  readonly maxHeldBytes: number;
}

/** What a function of 512 MB can do. */
export const TICK_LIMITS: TickLimits = {
  maxCommits: 20_000,
  maxBytes: 16 * 2 ** 30,
  maxHeldBytes: 80 * 2 ** 20,
  maxReadBytes: 2 ** 30,
  maxSegments: 2_000,
};

/** More memory plans larger loads. */
export function tickLimits(memoryMb: number): TickLimits {
  const { maxCommits, maxBytes, maxHeldBytes, ...limits } = TICK_LIMITS;
  const times = memoryMb / 512;
  return {
    ...limits,
    maxCommits: Math.floor(maxCommits * times),
    maxBytes: Math.floor(maxBytes * times),
    maxHeldBytes: Math.floor(maxHeldBytes * times),
  };
}

export interface TickParts extends LoadParts {
  readonly targets: readonly Target[];
  /** Name of the warehouse; the main one if absent. */
  readonly warehouse?: string;
  readonly saved: SavedState<LoaderState>;
  readonly commitLog: CommitLog;
  readonly limits?: TickLimits;
  /** When it is to come to an end, since its invocation does not last for ever; absent where it may take its time. */
  readonly until?: Date;
  /** What the configuration knows of types; as far as tables tell, where it is absent. */
  readonly known?: KnownTypes;
}

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
}

/** So often the warehouse may be away, about a quarter of an hour, before its loads count as failed. */
const AWAY_TOLD = 4;

/** Examples in a log line of what may be many: it has the first few. */
const LOGGED_EXAMPLES = 5;

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
    await turn.each((state, target) => tryAgain(state, target, erasures, parts));
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

/** The state as it goes through one tick. */
class Turn {
  state: LoaderState;
  readonly events: LoadEvent[] = [];
  readonly #parts: TickParts;
  #saved: string;
  #hasLeft = false;

  constructor(parts: TickParts, state: LoaderState) {
    this.#parts = parts;
    this.state = state;
    this.#saved = JSON.stringify(state);
  }

  table(target: Target): TableState {
    return this.state.tables[target.name] ?? newTable();
  }

  set({ name }: Target, state: TableState): void {
    this.state = { ...this.state, tables: { ...this.state.tables, [name]: state } };
  }

  /** Whether some table has read as far as one reading goes, and found nothing to load. */
  get hasMore(): boolean {
    return this.#parts.targets
      .map((target) => this.table(target))
      .some(({ backlog, load }) => backlog && load === undefined);
  }

  /** Where the tables are in the log. */
  get places(): string {
    return JSON.stringify(this.#parts.targets.map((target) => this.table(target).cursor));
  }

  /** Whether set-aside objects are being tried, which may take several loads. */
  get isTryingAgain(): boolean {
    return Object.values(this.state.tables).some(({ refused }) => refused?.round !== undefined);
  }

  /**
   * What is held and has a type by now goes to its tables. Nothing is to be known of a loader that has no table yet, when
   * only a statement has ended.
   */
  releaseHeld(scheduled: boolean): void {
    const { targets, log } = this.#parts;
    if (!scheduled && Object.keys(this.state.tables).length === 0) return;
    this.state = releaseHeld(this.state, targets, this.#known, log);
  }

  /** Looks for rows whose type nobody knows. */
  async findUnknown(log: ReadableLog): Promise<void> {
    const before = this.state.held!;
    const { limits = TICK_LIMITS } = this.#parts;
    const held = await findUnknown(before, this.#known, log, limits);
    this.state = { ...this.state, held };
    for (const [type, { rows, commits }] of Object.entries(held.types)) {
      const more = commits - (before.types[type]?.commits ?? 0);
      if (more > 0)
        this.events.push({ kind: "held", type, rows: rows - (before.types[type]?.rows ?? 0), commits: more });
    }
  }

  get #known(): KnownTypes {
    return this.#parts.known ?? typesOfTargets(this.#parts.targets);
  }

  /** Tables that need no DDL come first: those that do may keep the others waiting. */
  async each(step: (state: TableState, target: Target) => Promise<Step>): Promise<void> {
    const ready = (target: Target): boolean => this.table(target).prepared === fingerprint(target);
    const order = [...this.#parts.targets].sort((a, b) => Number(ready(b)) - Number(ready(a)));
    for (const target of order) {
      const before = this.table(target);
      const { state, events, away } = await step(before, target);
      if (state !== before) this.set(target, state);
      this.events.push(...events);
      const isOver = before.load?.statementId !== undefined && state.load?.statementId === undefined;
      if (away !== undefined) this.#leave(away, target);
      else if (isOver) this.#return();
    }
  }

  /** Submits loads that are due. While the warehouse is away, one of them finds out whether it is back. */
  async submit(): Promise<void> {
    if (isResting(this.state.away, this.#parts.now())) return;
    const isProbing = !this.hasWarehouse;
    let isSent = false;
    await this.each(async (state, target) => {
      if (this.#hasLeft || (isProbing && isSent)) return { state, events: [] };
      const step = await submit(state, target, this.#parts);
      isSent ||= step.state.load?.statementId !== state.load?.statementId;
      return step;
    });
  }

  /** Whether anything but a load may be asked of the warehouse. */
  get hasWarehouse(): boolean {
    return this.state.away === undefined;
  }

  /** However many loads find it away in one tick, they find the same. */
  #leave(error: string, { name: table }: Target): void {
    if (this.#hasLeft) return;
    this.#hasLeft = true;
    const away = stillAway(this.state.away, error, this.#parts.now());
    this.state = { ...this.state, away };
    this.#parts.log.warn("the warehouse is away: all tables wait", away);
    if (away.probes > AWAY_TOLD) this.events.push({ kind: "failed", table, error });
  }

  #return(): void {
    const { away, ...state } = this.state;
    if (away === undefined || this.#hasLeft) return;
    this.state = state;
    this.#parts.log.info("the warehouse is back", { since: away.since, probes: away.probes });
  }

  /** Tables that are new begin where their configuration says. */
  async beginTables(log: ReadableLog): Promise<void> {
    for (const target of this.#parts.targets) {
      if (this.state.tables[target.name] !== undefined || target.from === "beginning") continue;
      this.set(target, await beginTable(target, log, this.#parts.now()));
    }
  }

  endBusyTime(): Pick<TickReport, "busySeconds"> {
    const { state, ...ended } = busyTime(this.state, this.#parts.now());
    this.state = state;
    return ended;
  }

  async save(): Promise<void> {
    const text = JSON.stringify(this.state);
    if (text === this.#saved) return;
    await this.#parts.saved.save(this.state);
    this.#saved = text;
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
  if (scheduled) await retrySetAside(claims, log, lake);
  await readLog(claims, log, limits, () => hasTime(parts));
  if (scheduled && hasTime(parts)) await turn.findUnknown(log);
}

/** Told on each tick, since nothing goes on until somebody says what becomes of them. */
function tellHeld({ held }: LoaderState, log: Log, scheduled: boolean): Pick<TickReport, "held"> {
  const rows = Object.entries(held?.types ?? {})
    .filter(([, { commits }]) => commits > 0)
    .map(([type, { rows, commits, oldestAt }]) => ({ type, rows, commits, oldestAt }));
  if (rows.length === 0) return {};
  const hint = "give the type back, or name it among the formerNames of another, or among `retired`";
  if (scheduled) log.error("rows of a type that nobody knows are held", { held: rows, hint });
  return { held: rows };
}

/** Tables read the same log: what they all fail to read is told once. */
function tellUnreadable(closed: readonly ClosedClaim[], log: Log): void {
  const unreadable = new Map(closed.flatMap((claim) => claim.unreadable).map((one) => [one.key, one]));
  if (unreadable.size === 0) return;
  const first = [...unreadable.values()].slice(0, LOGGED_EXAMPLES);
  log.error("commits cannot be read", { count: unreadable.size, first });
}

function tellRemovedColumns(closed: readonly ClosedClaim[], log: Log): void {
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
function tellContested(closed: readonly ClosedClaim[], log: Log): number {
  const contested = new Map(closed.flatMap((claim) => [...claim.contested]));
  if (contested.size === 0) return 0;
  const first = [...contested].slice(0, LOGGED_EXAMPLES).map(([id, hosts]) => ({ id, hosts: [...hosts] }));
  log.warn("sources that more than one host claims", { count: contested.size, first });
  return contested.size;
}

/** What some table has not loaded yet. */
async function waiting(
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
    behind.push(tableBehind(target, tableLag, state));
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
