import { CommitLog } from "../lambdas/commit-log/commit-log.ts";
import { Claims } from "../lambdas/loader/claims.ts";
import { Lake } from "../lambdas/loader/lake.ts";
import { readLog } from "../lambdas/loader/read-log.ts";
import { type LoaderState, newTable, savedState, type TableState } from "../lambdas/loader/state.ts";
import { type Target, targetsOf } from "../lambdas/loader/target.ts";
import { TICK_LIMITS } from "../lambdas/loader/tick.ts";
import { LogHeads } from "../lambdas/sequencer/log-heads.ts";
import { run } from "../lambdas/sequencer/run.ts";
import { SEQUENCER_LIMITS } from "../lambdas/sequencer/sequencer-parts.ts";
import { CommitStream, CONFIG, type Fleet } from "./commit-stream.ts";
import { CountedS3, type Requests } from "./counted-s3.ts";

const BUCKET = "lake";
const SINCE_MS = Date.parse("2026-11-26T00:00:00Z");
const MINUTE_MS = 60_000;
const DAY_MS = 1_440 * MINUTE_MS;

const TARGETS = targetsOf(CONFIG);

/** Requests by kind. */
export type Counted = ReadonlyMap<string, Requests>;

export interface Loading {
  readonly requests: Counted;
  /** Loads of all tables. */
  readonly loads: number;
  readonly stateBytes: number;
}

/**
 * A fleet, the sequencer and the loader's claiming: their own code, in simulated time. No load fails and no commit
 * is late; each load ends well before the next one is planned.
 */
export class ScalingSimulation {
  readonly #stream: CommitStream;
  readonly #s3: CountedS3;
  readonly #heads: LogHeads;
  readonly #log: CommitLog;
  readonly #lake: Lake;
  /** Commits that are in the log, and that were claimed, by table. */
  #sequenced = 0;
  readonly #claimed = new Map<string, number>();

  constructor(fleet: Fleet) {
    this.#stream = new CommitStream(fleet, SINCE_MS);
    this.#s3 = new CountedS3(this.#stream);
    this.#heads = new LogHeads(this.#s3.client, BUCKET);
    this.#log = new CommitLog(this.#s3.client, BUCKET);
    this.#lake = new Lake(this.#s3.client, BUCKET);
  }

  /** A run of the sequencer, a minute after the last one. */
  async sequence(): Promise<Counted> {
    return this.#run(MINUTE_MS);
  }

  /** The fleet stops, and a day later the sweep is due. @returns the last run before it, and the one that sweeps */
  async sweep(): Promise<{ readonly before: Counted; readonly sweeping: Counted }> {
    this.#stream.end();
    const before = await this.#run(0);
    return { before, sweeping: await this.#run(DAY_MS) };
  }

  async #run(afterMs: number): Promise<Counted> {
    this.#stream.nowMs += afterMs;
    const now = (): Date => new Date(this.#stream.nowMs);
    const warn = (message: string): never => {
      throw new Error(message);
    };
    const { commits, lagSeconds, failures } = await run({
      s3: this.#s3.client,
      bucket: BUCKET,
      heads: this.#heads,
      limits: SEQUENCER_LIMITS,
      now,
      until: new Date(this.#stream.nowMs + 1),
      sweepUntil: new Date(this.#stream.nowMs + 1),
      log: { warn },
    });
    if (failures.length > 0 || lagSeconds > 0) throw failures[0] ?? new Error("commits were left");
    this.#sequenced += commits;
    return this.#s3.takeRequests();
  }

  /** The loader's ticks, the one of the schedule and those at the ends of loads, until nothing is left. */
  async load(): Promise<Loading> {
    const saved = savedState(this.#s3.client, BUCKET);
    const state = await saved.read();
    let loads = 0;
    for (let backlog = true; backlog;) {
      const tables = TARGETS.map((target) => ({ target, state: tableOf(state, target) }));
      const claims = new Claims(tables, this.#lake, new Date(this.#stream.nowMs), TICK_LIMITS);
      await readLog(claims, this.#log, TICK_LIMITS);
      for (const { target, state: table, unreadable } of claims.closed) {
        if (unreadable.length > 0) throw unreadable[0]!.error;
        state.tables[target.name] = table;
        loads += Number(table.load !== undefined);
        this.#claimed.set(
          target.name,
          (this.#claimed.get(target.name) ?? 0) + (table.load?.commits.rows ?? 0),
        );
      }
      await saved.save(state);
      backlog = claims.closed.some(({ state }) => state.backlog);
    }
    return { requests: this.#s3.takeRequests(), loads, stateBytes: JSON.stringify(state).length };
  }

  /** Every commit that was written is in the log, and every table has claimed it, once. */
  assertComplete(): void {
    const { written } = this.#stream;
    const claimed = TARGETS.map(({ name }) => this.#claimed.get(name) ?? 0);
    if (this.#sequenced === written && claimed.every((count) => count === written)) return;
    throw new Error(`${written} commits, ${this.#sequenced} in the log, claimed ${claimed.join(", ")}`);
  }
}

/** As it is once its load has ended. */
function tableOf({ tables }: LoaderState, { name }: Target): TableState {
  const { load: _, ...table } = tables[name] ?? newTable();
  return table;
}
