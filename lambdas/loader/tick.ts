import { parseCommitKey } from "../../wire/keys.ts";
import { type Claim, claim, CLAIM_LIMITS, type ClaimLimits, oldestUnclaimed } from "./claim.ts";
import { contestedSources } from "./contested.ts";
import { type LoadEvent, type LoadParts, type Log, settle, type Step, submit } from "./load.ts";
import { planLoad } from "./plan.ts";
import { type LoaderState, newTable, type TableState } from "./state.ts";
import { fingerprint } from "./table-ddl.ts";
import type { Target } from "./target.ts";

export interface TickParts extends LoadParts {
  readonly targets: readonly Target[];
  readonly limits?: ClaimLimits;
}

export interface TickReport {
  /** Age of the oldest commit that some table has not loaded, 0 where none is. */
  readonly lagSeconds: number;
  readonly events: readonly LoadEvent[];
  /** Commits that cannot be read: each is one until it can. */
  readonly unreadable: number;
  /** Sources that more than one host claims, among the commits that were read. */
  readonly contested: number;
  /** Tables that have not loaded some commit; left out where there are none. */
  readonly behind?: readonly TableBehind[];
}

export interface TableBehind {
  readonly table: string;
  /** The last failure of the open load, and when it is tried again. */
  readonly failure?: { readonly error: string; readonly notBefore: string };
}

/**
 * Claims of a table in one tick while none of them finds anything for it: others' commits, however large, should
 * not keep it waiting for the next tick.
 */
const MAX_CLAIMS = 16;

/** Examples in a log line of what may be many: it has the first few. */
const LOGGED_EXAMPLES = 5;

/**
 * One turn of the loader: settles the loads that are open, opens new ones, submits what is due. It
 * never waits for a load. Each step is saved before the next, so a loader may die anywhere:
 *
 *   settle · claim and plan · save · submit · save
 *
 * A plan is saved before it is submitted: one that was submitted without that being saved is submitted
 * again with its token, which is the same statement for 8 hours; after that the ledger refuses it.
 *
 * @param scheduled false for the end of a load: then only a table with a backlog gets another one, so
 *   that all tables share the tick and the warehouse can rest between
 */
export async function tick(parts: TickParts, scheduled: boolean): Promise<TickReport> {
  const saved = await parts.lake.state();
  const turn = new Turn(parts, saved);
  await turn.each((state, target) => settle(state, target, parts));
  const contested = new Set<string>();
  await turn.each((state, target) => open(state, target, parts, scheduled, contested));
  await turn.save();
  await turn.each((state, target) => submit(state, target, parts));
  await turn.save();
  const lags = await Promise.all(parts.targets.map((target) => lagSeconds(turn.table(target), parts)));
  const behind = parts.targets.filter((_, i) => lags[i] !== undefined);
  return {
    lagSeconds: Math.max(0, ...lags.map((lag) => lag ?? 0)),
    events: turn.events,
    unreadable: Object.values(turn.state.tables).reduce((sum, { setAside }) => sum + setAside.length, 0),
    contested: contested.size,
    ...(behind.length > 0 && { behind: behind.map((target) => tableBehind(target, turn.table(target))) }),
  };
}

/** The state as it goes through one tick. */
class Turn {
  state: LoaderState;
  readonly events: LoadEvent[] = [];
  readonly #parts: TickParts;
  #saved: string;

  constructor(parts: TickParts, state: LoaderState) {
    this.#parts = parts;
    this.state = state;
    this.#saved = JSON.stringify(state);
  }

  table(target: Target): TableState {
    return this.state.tables[target.name] ?? newTable();
  }

  /** Tables that need no DDL come first: those that do may keep the others waiting. */
  async each(step: (state: TableState, target: Target) => Promise<Step>): Promise<void> {
    const ready = (target: Target): boolean => this.table(target).prepared === fingerprint(target);
    const order = [...this.#parts.targets].sort((a, b) => Number(ready(b)) - Number(ready(a)));
    for (const target of order) {
      const before = this.table(target);
      const { state, events } = await step(before, target);
      if (state !== before)
        this.state = { ...this.state, tables: { ...this.state.tables, [target.name]: state } };
      this.events.push(...events);
    }
  }

  async save(): Promise<void> {
    const text = JSON.stringify(this.state);
    if (text === this.#saved) return;
    await this.#parts.lake.saveState(this.state);
    this.#saved = text;
  }
}

/** Opens the next load of a table that has none open. */
async function open(
  state: TableState,
  target: Target,
  parts: TickParts,
  scheduled: boolean,
  contested: Set<string>,
): Promise<Step> {
  if (state.load || !(scheduled || state.backlog)) return { state, events: [] };
  const { lake, log, storage, limits = CLAIM_LIMITS } = parts;
  const now = parts.now();
  let claimed = await claim(state, target, lake, now, limits);
  for (let claims = 1; isVain(claimed) && claims < MAX_CLAIMS; claims++) {
    tell(claimed, contested, log);
    claimed = await claim(claimed.state, target, lake, now, limits);
  }
  tell(claimed, contested, log);
  if (claimed.commits.length === 0) return { state: claimed.state, events: [] };
  const { load, files } = planLoad(target, claimed.commits, storage.bucket, now);
  for (const { key, text } of files) await lake.put(key, text);
  return { state: { ...claimed.state, load }, events: [] };
}

/** Nothing for the table, and more to read. */
const isVain = ({ commits, state }: Claim): boolean => commits.length === 0 && state.backlog;

function tell({ commits, unreadable }: Claim, contested: Set<string>, log: Log): void {
  if (unreadable.length > 0) {
    const first = unreadable.slice(0, LOGGED_EXAMPLES);
    log.error("commits cannot be read", { count: unreadable.length, first });
  }
  const claims = contestedSources(commits.map(({ commit }) => commit)).filter(({ id }) => !contested.has(id));
  if (claims.length === 0) return;
  for (const { id } of claims) contested.add(id);
  const first = claims.slice(0, LOGGED_EXAMPLES);
  log.warn("sources that more than one host claims", { count: claims.length, first });
}

/** @returns undefined where nothing waits */
async function lagSeconds(state: TableState, { lake, now }: TickParts): Promise<number | undefined> {
  const since = state.load?.oldestCommitAt ?? writtenAt(await oldestUnclaimed(state, lake));
  return since === undefined ? undefined : Math.max(0, (now().getTime() - Date.parse(since)) / 1_000);
}

function tableBehind({ name }: Target, { load }: TableState): TableBehind {
  if (load?.failure === undefined || load.statementId !== undefined) return { table: name };
  const { error, notBefore } = load.failure;
  return { table: name, failure: { error, notBefore } };
}

function writtenAt(key: string | undefined): string | undefined {
  if (key === undefined) return undefined;
  try {
    return parseCommitKey(key).writtenAt.toISOString();
  } catch {
    return undefined; // not a commit's name at all: counted as unreadable
  }
}
