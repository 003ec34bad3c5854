import { setTimeout as sleep } from "node:timers/promises";
import { batches } from "./batches.ts";
import type { CommitWatch } from "./commit-watch.ts";
import { CommittedRecords, type Interval } from "./committed-records.ts";
import type { Neighbours } from "./neighbours.ts";
import type { Pace } from "./pace.ts";
import type { ReplayRecord } from "./replay-record.ts";
import type { RouterAnswer, RouterCall } from "./router-call.ts";
import type { StreamReader } from "./stream-reader.ts";
import type { Lost, Stretch } from "./stretch.ts";
import type { StretchReader } from "./stretch-reader.ts";
import { aheadNote, aheadOf, isCommitted } from "./survey.ts";

/** A record that the router fails on each time, by itself. */
export interface Poison {
  readonly shardId: string;
  readonly sequenceNumber: string;
  readonly bytes: number;
  readonly arrivedAt: string;
  readonly error: string;
  readonly object?: string;
}

/** What became of a stretch. */
export interface Driven {
  readonly stretch: Stretch;
  /** All of it is in the lake, as commits say. */
  readonly complete: boolean;
  readonly records: number;
  readonly bytes: number;
  readonly batches: number;
  /** Records that were in the lake already. */
  readonly committed: number;
  readonly poison: readonly Poison[];
  readonly lost: readonly Lost[];
  readonly notes: readonly string[];
  /** Why nothing goes through any more. */
  readonly stopped: string | undefined;
}

export interface DriveParts {
  readonly reader: StretchReader;
  readonly stream: Pick<StreamReader, "read">;
  readonly watch: CommitWatch;
  readonly router: RouterCall;
  readonly pace: Pace;
  /** Told of records that are done. */
  readonly onRecords: (count: number) => void;
  /** Between attempts; doubles with each. @default 250 */
  readonly backoffMs?: number;
}

/** Nothing goes through any more: to go on would only find that of each record. */
class ReplayStopped extends Error {
  override name = "ReplayStopped";
}

/** Of a record that fails by itself, and of a lake that takes nothing. */
const ATTEMPTS = 3;
const SINK_ATTEMPTS = 6;
/** After so many records in a row, one more is not tried again. */
const SURE_OF_FAILURE = 2;
/** A poison record has few neighbours that are; this many in a row is the router's own trouble. */
const MAX_FAILED_IN_A_ROW = 25;
/** The account's concurrency is shared: somebody else's burst ends. */
const BUSY_ATTEMPTS = 10;
const MAX_BACKOFF_MS = 30_000;

type Tally = { -readonly [K in keyof Omit<Driven, "complete" | "stretch" | "stopped">]: Driven[K] } & {
  readonly done: Interval[];
  readonly poison: Poison[];
  readonly lost: Lost[];
  readonly notes: string[];
};

/** Hands stretches to the router, batch by batch, until all that can be in the lake is. */
export class Drive {
  readonly #parts: DriveParts;
  #failedInARow = 0;
  #stopped: ReplayStopped | undefined;

  constructor(parts: DriveParts) {
    this.#parts = parts;
  }

  /**
   * Hands over, in batches of any of them, what the stream still has of stretches that lie close to each other. What goes
   * wrong with it is left for each of them.
   */
  async together({ shardId, interval, stretches, arrivedFrom }: Neighbours): Promise<Driven> {
    const [stretch] = stretches as readonly [Stretch];
    const tally = newTally();
    const { stream } = this.#parts;
    const [from, to] = [{ sequence: interval.first }, { sequence: interval.last }];
    const wanted = new CommittedRecords();
    for (const { failure } of stretches) {
      wanted.add(shardId, failure!.firstSequenceNumber, failure!.lastSequenceNumber);
    }
    const isWanted = ({ sequence }: ReplayRecord): boolean => wanted.has(shardId, sequence);
    await this.#sendAll(stretch, stream.read(shardId, from, to, arrivedFrom), tally, isWanted);
    const { done: _, ...counts } = tally;
    const stopped = this.#stopped?.message;
    return { stretch, complete: stopped === undefined, ...counts, committed: 0, poison: [], stopped };
  }

  /**
   * @param isTried its records were handed over with those of its neighbours, and are counted
   * @throws whatever the AWS SDK says of credentials and the like; what is done stays done
   */
  async stretch(stretch: Stretch, isTried: boolean = false): Promise<Driven> {
    const { reader, watch, onRecords } = this.#parts;
    const { shardId, failure } = stretch;
    const tally = newTally();
    await watch.refresh();
    if (failure && isCommitted(stretch, watch.records)) {
      tally.committed += failure.records;
      if (!isTried) onRecords(failure.records);
    } else {
      const isAhead = aheadOf(stretch, watch.records);
      let ahead = 0;
      const isWanted = (record: ReplayRecord): boolean => {
        if (isAhead(record)) ahead++;
        return true;
      };
      await this.#sendAll(stretch, reader.read(stretch, tally), tally, isWanted);
      if (ahead > 0) tally.notes.push(aheadNote(shardId, ahead));
    }
    if (isTried) tally.committed = 0;
    const { done, ...counts } = tally;
    const isUnseen = (interval: Interval): boolean => !watch.records.covers(shardId, interval);
    if (done.some(isUnseen)) await watch.lookFor(true);
    const unseen = done.filter(isUnseen);
    if (unseen.length > 0) {
      const [{ first, last }] = unseen as [Interval];
      counts.notes.push(`${shardId}: the router took ${first} to ${last}, and no commit says so`);
    }
    const stopped = this.#stopped?.message;
    const isWhole = unseen.length === 0 && counts.poison.length === 0 && counts.lost.length === 0;
    return { stretch, complete: isWhole && stopped === undefined, ...counts, stopped };
  }

  async #sendAll(
    stretch: Stretch,
    records: AsyncIterable<ReplayRecord>,
    tally: Tally,
    isWanted: (record: ReplayRecord) => boolean,
  ): Promise<void> {
    const { watch } = this.#parts;
    const { shardId } = stretch;
    try {
      for await (const batch of this.#cut(shardId, records, tally, isWanted)) {
        // Somebody else may have committed some of it since it was cut.
        await watch.refresh();
        for await (const part of this.#cut(shardId, only(batch), tally)) {
          await this.#send(part, stretch, tally);
        }
      }
    } catch (error) {
      if (!(error instanceof ReplayStopped)) throw error;
    }
    await watch.lookFor();
  }

  #cut(
    shardId: string,
    records: AsyncIterable<ReplayRecord>,
    tally: Tally,
    isWanted?: (record: ReplayRecord) => boolean,
  ): AsyncGenerator<readonly ReplayRecord[]> {
    const { watch, router } = this.#parts;
    return batches(records, {
      shardId,
      committed: watch.records,
      limits: router.limits,
      onCommitted: () => void tally.committed++,
      ...(isWanted && { isWanted }),
    });
  }

  async #send(batch: readonly ReplayRecord[], stretch: Stretch, tally: Tally): Promise<void> {
    if (this.#stopped) throw this.#stopped;
    const answer = await this.#route(batch);
    if (answer.kind !== "too-large") tally.batches++;
    if (answer.kind === "answered") {
      this.#failedInARow = 0;
      this.#count(batch.slice(0, answer.from), tally);
      // It ended the batch before its memory was full.
      if (answer.from < batch.length) await this.#send(batch.slice(answer.from), stretch, tally);
    } else if (batch.length > 1) {
      const middle = batch.length >>> 1;
      await this.#send(batch.slice(0, middle), stretch, tally);
      await this.#send(batch.slice(middle), stretch, tally);
    } else this.#poison(batch[0]!, answer, stretch, tally);
  }

  /** Asks as often as it makes sense. @returns at least one record done, or that the batch fails */
  async #route(batch: readonly ReplayRecord[]): Promise<Exclude<RouterAnswer, { readonly kind: "busy" }>> {
    const { router, pace } = this.#parts;
    for (let attempt = 1; ; attempt++) {
      await pace.ready();
      pace.spend(batch.reduce((sum, { bytes }) => sum + bytes, 0));
      const answer = await router.route(batch);
      if (answer.kind === "too-large") return answer;
      if (answer.kind === "failed") {
        if (batch.length > 1 || attempt >= ATTEMPTS || this.#failedInARow >= SURE_OF_FAILURE) return answer;
      } else if (answer.kind === "busy") {
        if (attempt === BUSY_ATTEMPTS) throw this.#stop("the account has no concurrency left for the router");
      } else if (answer.from > 0) return answer;
      else if (attempt === SINK_ATTEMPTS)
        throw this.#stop("the lake takes nothing: the router says so in its log");
      await sleep(Math.min((this.#parts.backoffMs ?? 250) * 2 ** attempt, MAX_BACKOFF_MS));
    }
  }

  #count(batch: readonly ReplayRecord[], tally: Tally): void {
    const { onRecords } = this.#parts;
    tally.records += batch.length;
    tally.bytes += batch.reduce((sum, { bytes }) => sum + bytes, 0);
    tally.done.push({ first: batch[0]!.sequence, last: batch.at(-1)!.sequence });
    onRecords(batch.length);
  }

  #poison(
    { entry, bytes, arrivedAt }: ReplayRecord,
    answer: Extract<RouterAnswer, { readonly kind: "failed" | "too-large" }>,
    { shardId, object }: Stretch,
    tally: Tally,
  ): void {
    const isLarge = answer.kind === "too-large";
    const error = isLarge ? "no invocation takes so large a record: say --in-process" : answer.error;
    tally.poison.push({
      shardId,
      sequenceNumber: entry.kinesis.sequenceNumber,
      bytes,
      arrivedAt: arrivedAt.toISOString(),
      error,
      ...(object !== undefined && { object }),
    });
    this.#parts.onRecords(1);
    if (isLarge) return;
    this.#failedInARow++;
    if (this.#failedInARow === MAX_FAILED_IN_A_ROW) {
      throw this.#stop(`the router failed on ${MAX_FAILED_IN_A_ROW} records one after the other: ${error}`);
    }
  }

  /** For all shards that are under way. */
  #stop(message: string): ReplayStopped {
    return (this.#stopped = new ReplayStopped(message));
  }
}

function newTally(): Tally {
  return { records: 0, bytes: 0, batches: 0, committed: 0, poison: [], lost: [], notes: [], done: [] };
}

async function* only<T>(items: readonly T[]): AsyncGenerator<T> {
  yield* items;
}
