import type { Commit } from "../../wire/commit.ts";
import type { LogEntry } from "../commit-log/commit-log.ts";
import type { CommitLog } from "../commit-log/commit-log.ts";
import type { SavedState } from "../commit-log/saved-state.ts";
import { isResting, stillAway } from "./breaker.ts";
import { busyTime } from "./busy-time.ts";
import { findUnknown } from "./held/find-unknown.ts";
import { hold, type KnownTypes } from "./held/held-types.ts";
import { typesOfTargets } from "./held/known-types.ts";
import { releaseHeld } from "./held/release.ts";
import { type LoadEvent, type LoadParts, type Step, submit } from "./load.ts";
import { beginTable } from "./new-table.ts";
import { pauseOf } from "./pause.ts";
import type { ReadableLog } from "./read-log.ts";
import { type LoaderState, newTable, type TableState } from "./state.ts";
import { fingerprint } from "./table-ddl.ts";
import type { Target } from "./target.ts";
import { TICK_LIMITS, type TickLimits } from "./tick-limits.ts";

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

/** So often the warehouse may be away, about a quarter of an hour, before its loads count as failed. */
const AWAY_TOLD = 4;

/** The state as it goes through one tick. */
export class Turn {
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

  /** Loads of it are paused: what runs ends, and nothing begins. */
  isPaused({ name }: Target): boolean {
    return pauseOf(this.state, name) !== undefined;
  }

  set({ name }: Target, state: TableState): void {
    this.state = { ...this.state, tables: { ...this.state.tables, [name]: state } };
  }

  /** Whether some table has read as far as one reading goes, and found nothing to load. */
  get hasMore(): boolean {
    return this.#parts.targets
      .filter((target) => !this.isPaused(target))
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

  /** Holds what is of unknown types in a commit that could not be read before. */
  hold(entry: LogEntry, commit: Commit): void {
    const held = this.state.held!;
    const types = hold(held.types, entry, commit, this.#known, true);
    this.state = { ...this.state, held: { ...held, types } };
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
      if (this.#hasLeft || (isProbing && isSent) || this.isPaused(target)) return { state, events: [] };
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

  endBusyTime(): { readonly busySeconds?: number } {
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
