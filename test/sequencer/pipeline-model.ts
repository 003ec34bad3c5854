import type { S3Client } from "@aws-sdk/client-s3";
import { MemoryS3 } from "../../bench/memory-s3.ts";
import { CommitLog } from "../../lambdas/commit-log/commit-log.ts";
import { type Cursor, LOG_BEGINNING } from "../../lambdas/commit-log/cursor.ts";
import { SavedState } from "../../lambdas/commit-log/saved-state.ts";
import { LogHeads } from "../../lambdas/sequencer/log-heads.ts";
import { run } from "../../lambdas/sequencer/run.ts";
import { commitMinutePrefix } from "../../wire/keys.ts";
import { commitOf } from "../commit-log/log-fixture.ts";
import { Processes } from "./processes.ts";
import type { Random } from "./random.ts";

const BUCKET = "lake";
const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const CONSUMERS = ["loader", "audit"];

interface Consumed {
  readonly cursor: Cursor;
  readonly keys: readonly string[];
}

/** What a router, or somebody else, has put. */
export interface Written {
  /** Within the time that a router has for it. */
  readonly isRegular: boolean;
  isRemoved: boolean;
}

/** Routers, sequencers and consumers at the same bucket, each as fast or as dead as the lot has it. */
export class PipelineModel {
  readonly written = new Map<string, Written>();
  readonly #s3 = new MemoryS3();
  readonly #processes: Processes;
  readonly #random: Random;
  #now = Date.parse("2026-11-21T10:00:00Z");
  #commits = 0;

  constructor(random: Random) {
    this.#random = random;
    this.#processes = new Processes(this.#s3, random);
    this.#s3.now = () => new Date(this.#now);
    this.#s3.pageKeys = random.int(2, 9);
  }

  /** Lets so many things happen. */
  async play(steps: number): Promise<void> {
    const random = this.#random;
    const isCalm = random.chance(0.2);
    this.#processes.faults = isCalm
      ? { refused: 0, answerLost: 0, death: 0 }
      : { refused: 0.01, answerLost: 0.01, death: 0.01 };
    for (let i = 0; i < steps; i++) {
      if (random.chance(0.3)) this.#write();
      if (random.chance(0.02)) this.#remove();
      if (this.#processes.live < 4 && random.chance(0.15)) this.#startSequencer();
      if (this.#processes.live < 6 && random.chance(0.1)) this.#startConsumer(random.pick(CONSUMERS));
      await this.#processes.step();
      this.#pass();
    }
  }

  /** Lets everything come to its end, undisturbed, and as long after as it takes until every key's time has come. */
  async settle(): Promise<void> {
    this.#processes.faults = { refused: 0, answerLost: 0, death: 0 };
    while (this.#processes.live > 0 || this.#processes.pending > 0) await this.#processes.step();
    for (let day = 0; day < 4; day++) {
      this.#now += 25 * HOUR_MS;
      await this.#runSequencer(this.#s3.client(), new LogHeads(this.#s3.client(), BUCKET), HOUR_MS);
    }
    for (const consumer of CONSUMERS) await this.#consume(this.#s3.client(), consumer, Infinity);
  }

  /** Keys of the log, in order, with how each was found. */
  async log(): Promise<{ key: string; found: string }[]> {
    const log = new CommitLog(this.#s3.client(), BUCKET);
    const entries: { key: string; found: string }[] = [];
    for await (const { key, at } of log.read(LOG_BEGINNING)) {
      entries.push({ key, found: (await log.head(at.segment))!.found });
    }
    return entries;
  }

  /** What each consumer has dealt with, in its order. */
  async consumed(): Promise<(readonly string[])[]> {
    const states = CONSUMERS.map((name) => consumerState(this.#s3.client(), name).read());
    return (await Promise.all(states)).map(({ keys }) => keys);
  }

  #pass(): void {
    const random = this.#random;
    if (random.chance(0.01)) this.#now += random.int(1, 26) * HOUR_MS;
    else if (random.chance(0.05)) this.#now += random.int(1, 30) * MINUTE_MS;
    else this.#now += random.int(0, 20_000);
  }

  #write(): void {
    const random = this.#random;
    const kind = random.int(0, 19);
    // A replica says that it was made when its original was.
    if (kind === 0) this.#put(random.int(21, 1_300), this.#now - 20 * MINUTE_MS);
    else if (kind === 1) this.#put(random.int(21, 3_000));
    else if (kind === 2) this.#put(-random.int(17, 3_000));
    else if (kind === 3) this.#putAgain();
    else if (kind === 4)
      this.#putKey(`commits/${random.pick(["README", "2026/11/x", "0", "~"])}-${this.#commits}`, false);
    else this.#put(random.int(0, 14));
  }

  #put(minutesLate: number, lastModified?: number): void {
    const prefix = commitMinutePrefix(new Date(this.#now - minutesLate * MINUTE_MS));
    const isRegular = minutesLate >= 0 && minutesLate < 15;
    // Names do not come in the order of their commits.
    this.#putKey(`${prefix}${this.#random.int(100, 999)}-${this.#commits}.json`, isRegular, lastModified);
  }

  #putKey(key: string, isRegular: boolean, lastModified = this.#now): void {
    this.#s3.put(key, commitOf(this.#commits++).body, new Date(lastModified));
    this.written.set(key, { isRegular, isRemoved: false });
  }

  #putAgain(): void {
    if (this.written.size === 0) return;
    const key = this.#random.pick([...this.written.keys()]);
    const body = this.#s3.get(key);
    if (body) this.#s3.put(key, body);
  }

  #remove(): void {
    if (this.written.size === 0) return;
    const key = this.#random.pick([...this.written.keys()]);
    this.#s3.delete(key);
    this.written.get(key)!.isRemoved = true;
  }

  /** An instance of a Lambda, which is invoked some times. */
  #startSequencer(): void {
    const invocations = this.#random.int(1, 5);
    this.#processes.start(async (s3) => {
      const heads = new LogHeads(s3, BUCKET);
      for (let i = 0; i < invocations; i++) {
        await this.#runSequencer(s3, heads, this.#random.int(0, 10) * MINUTE_MS).catch(ifTransient);
      }
    });
  }

  #runSequencer(s3: S3Client, heads: LogHeads, forMs: number): Promise<unknown> {
    // No two clocks are the same.
    const skewMs = this.#random.int(-180, 180) * 1_000;
    return run({
      s3,
      bucket: BUCKET,
      heads,
      limits: { commits: this.#random.int(1, 6), bytes: 3_000, lookups: this.#random.int(1, 20) },
      now: () => new Date(this.#now + skewMs),
      until: new Date(this.#now + skewMs + forMs),
      sweepUntil: new Date(this.#now + skewMs + 2 * forMs),
      log: { warn: () => {} },
    });
  }

  #startConsumer(name: string): void {
    const entries = this.#random.int(1, 12);
    this.#processes.start((s3) => this.#consume(s3, name, entries).catch(ifTransient));
  }

  /** Saves what it has dealt with and how far it has come at once, as the loader does in the warehouse. */
  async #consume(s3: S3Client, name: string, entries: number): Promise<void> {
    const state = consumerState(s3, name);
    let { cursor, keys } = await state.read();
    for await (const { key, next } of new CommitLog(s3, BUCKET).read(cursor)) {
      [cursor, keys] = [next, [...keys, key]];
      if (--entries <= 0) break;
    }
    await state.save({ cursor, keys });
  }
}

function consumerState(s3: S3Client, name: string): SavedState<Consumed> {
  return new SavedState<Consumed>({
    s3,
    bucket: BUCKET,
    key: `loads/${name}.json`,
    initial: { cursor: LOG_BEGINNING, keys: [] },
    parse: (value) => value as Consumed,
  });
}

/** Requests that failed, and states that somebody else has saved, end a run; the next one goes on. */
function ifTransient(error: Error): void {
  const { name, code, cause } = error as Error & { code?: string };
  if (name === "InternalError" || code === "STATE_CONFLICT" || (cause as Error)?.name === "InternalError")
    return;
  throw error;
}
