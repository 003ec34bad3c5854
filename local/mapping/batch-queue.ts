import { EVENT_FRAME_BYTES } from "../../wire/kinesis-event.ts";
import { LAMBDA_PAYLOAD_MAX_BYTES } from "../../wire/limits.ts";
import type { BatchOutcome } from "./batch-outcome.ts";
import type { StreamRecord } from "./stream-record.ts";
import type { MappingSettings } from "./settings.ts";

/** Why records are given up. Lambda's own words. */
export type GiveUpCondition = "RetryAttemptsExhausted" | "RecordAgeExceeded";

/** Consecutive records that are invoked, retried and given up together. */
export interface Batch {
  readonly records: readonly StreamRecord[];
  /** Invocations that reached the function so far; a split half begins with those of the whole. */
  readonly invocations: number;
  /** Of these, the ones that used up a retry: all but those that ended in a split. */
  readonly failures: number;
  /** The latest of these. */
  readonly answer: Answer | undefined;
}

/** What a failure record tells about an invocation. */
export interface Answer {
  readonly requestId: string;
  /** Null where the function answered, if only to report failed items. */
  readonly functionError: "Unhandled" | null;
}

/** What to do next. `wait` is over at `untilMs`, and whenever something happens to the queue. */
export type BatchAction =
  | { readonly kind: "invoke"; readonly batch: Batch }
  | { readonly kind: "give-up"; readonly batch: Batch; readonly condition: GiveUpCondition }
  | { readonly kind: "wait"; readonly untilMs: number };

export type BatchEvent =
  /** Read from the stream, in order. */
  | { readonly kind: "read"; readonly records: readonly StreamRecord[]; readonly atMs: number }
  /** No more will come before these are done: batches need not wait for company. */
  | { readonly kind: "hurry"; readonly on: boolean }
  /** The batch last invoked is answered. */
  | {
      readonly kind: "answered";
      readonly outcome: BatchOutcome;
      readonly answer: Answer;
      readonly atMs: number;
    }
  /** The batch last given up is where it goes. */
  | { readonly kind: "given-up" };

/**
 * Lambda does not publish its backoff. Ours doubles from a quarter second to a half minute: fast
 * enough to watch on a laptop, slow enough to leave a failing sink alone.
 */
const BACKOFF_MIN_MS = 250;
const BACKOFF_MAX_MS = 30_000;

interface Pending extends Batch {
  readonly throttles: number;
  readonly notBeforeMs: number;
}

/**
 * The records of a shard on their way through a function, one batch at a time and in order. A state
 * machine: events in, the next action out, no clock of its own.
 *
 * Invariant: `#working`, then `#retries`, then `#fresh` hold in order what is read and not done; a record
 * is only sent once every record before it is done or given up.
 */
export class BatchQueue {
  readonly #settings: MappingSettings;
  readonly #onDone: (records: readonly StreamRecord[]) => void;
  #working: Pending | undefined;
  #retries: Pending[] = [];
  #fresh: StreamRecord[] = [];
  #freshSinceMs = 0;
  #hurry = false;

  /** @param onDone told, in order, of records that need nothing more */
  constructor(settings: MappingSettings, onDone: (records: readonly StreamRecord[]) => void) {
    this.#settings = settings;
    this.#onDone = onDone;
  }

  /** Records under way in an invocation or to the failure destination. */
  get inFlight(): number {
    return this.#working?.records.length ?? 0;
  }

  on(event: BatchEvent): void {
    switch (event.kind) {
      case "read":
        if (this.#fresh.length === 0) this.#freshSinceMs = event.atMs;
        this.#fresh.push(...event.records);
        return;
      case "hurry":
        this.#hurry = event.on;
        return;
      case "answered":
        return this.#answered(this.#take(), event);
      case "given-up":
        return this.#onDone(this.#take().records);
    }
  }

  next(nowMs: number): BatchAction {
    if (this.#working) return { kind: "wait", untilMs: Infinity };
    const batch = this.#retries[0] ?? this.#form(nowMs);
    if (!batch) return { kind: "wait", untilMs: this.#fresh.length === 0 ? Infinity : this.#windowEndsMs };
    const expired = this.#expired(batch, nowMs);
    if (expired > 0) return this.#giveUp(batch, expired, "RecordAgeExceeded");
    if (this.#exhausted(batch) || tooLarge(batch)) {
      return this.#giveUp(batch, batch.records.length, "RetryAttemptsExhausted");
    }
    if (batch.notBeforeMs > nowMs) return { kind: "wait", untilMs: batch.notBeforeMs };
    this.#retries.shift();
    this.#working = batch;
    return { kind: "invoke", batch };
  }

  get #windowEndsMs(): number {
    return this.#freshSinceMs + this.#settings.windowSeconds * 1_000;
  }

  /** A batch of fresh records, once it is full or old enough, put where retries are. */
  #form(nowMs: number): Pending | undefined {
    const { batchSize } = this.#settings;
    let bytes = EVENT_FRAME_BYTES;
    let count = 0;
    while (count < this.#fresh.length && count < batchSize) {
      const grown = bytes + this.#fresh[count]!.entryBytes + (count === 0 ? 0 : 1);
      if (count > 0 && grown > LAMBDA_PAYLOAD_MAX_BYTES) break;
      bytes = grown;
      count++;
    }
    const full = count === batchSize || count < this.#fresh.length;
    if (count === 0 || (!full && !this.#hurry && nowMs < this.#windowEndsMs)) return undefined;
    const records = this.#fresh.splice(0, count);
    this.#freshSinceMs = nowMs;
    const batch = { records, invocations: 0, failures: 0, answer: undefined, throttles: 0, notBeforeMs: 0 };
    this.#retries.push(batch);
    return batch;
  }

  #answered(batch: Pending, { outcome, answer, atMs }: Extract<BatchEvent, { kind: "answered" }>): void {
    const { records } = batch;
    switch (outcome.kind) {
      case "succeeded":
        return this.#onDone(records);
      case "throttled": {
        const throttles = batch.throttles + 1;
        return void this.#retries.unshift({ ...batch, throttles, notBeforeMs: atMs + backoffMs(throttles) });
      }
      case "failed": {
        const invocations = batch.invocations + 1;
        return this.#failed({ ...batch, invocations, answer, throttles: 0 }, outcome.from, atMs);
      }
    }
  }

  /**
   * Records before `from` are done. With bisect on, a batch is cut: at `from` when the function says
   * where it failed, in the middle when it does not. A cut uses up no retry; each makes the batch
   * shorter, so there are no more than twice as many as records.
   */
  #failed(batch: Pending, from: number, atMs: number): void {
    const { records, failures } = batch;
    const rest = { ...batch, records: records.slice(from) };
    const splits = this.#settings.bisect && records.length > 1;
    if (splits && from === 0) {
      const middle = Math.ceil(records.length / 2);
      this.#retries.unshift(
        { ...batch, records: records.slice(0, middle) },
        { ...batch, records: records.slice(middle) },
      );
    } else if (splits) {
      this.#retries.unshift(rest);
    } else {
      const notBeforeMs = atMs + backoffMs(failures + 1);
      this.#retries.unshift({ ...rest, failures: failures + 1, notBeforeMs });
    }
    if (from > 0) this.#onDone(records.slice(0, from));
  }

  /** How many of the first records are too old to be sent. */
  #expired({ records }: Batch, nowMs: number): number {
    const { maxRecordAgeSeconds } = this.#settings;
    if (maxRecordAgeSeconds < 0) return 0;
    const oldestMs = nowMs - maxRecordAgeSeconds * 1_000;
    const firstYoung = records.findIndex(({ arrivedAtMs }) => arrivedAtMs >= oldestMs);
    return firstYoung < 0 ? records.length : firstYoung;
  }

  #exhausted({ failures }: Batch): boolean {
    const { retryAttempts } = this.#settings;
    return retryAttempts >= 0 && failures > retryAttempts;
  }

  #giveUp(batch: Pending, count: number, condition: GiveUpCondition): BatchAction {
    const rest = { ...batch, records: batch.records.slice(count) };
    this.#retries.splice(0, 1, ...(rest.records.length > 0 ? [rest] : []));
    this.#working = { ...batch, records: batch.records.slice(0, count) };
    return { kind: "give-up", batch: this.#working, condition };
  }

  #take(): Pending {
    const batch = this.#working;
    if (!batch) throw new Error("nothing is under way");
    this.#working = undefined;
    return batch;
  }
}

/** A lone record whose event no invocation takes; a batch is never formed so large. */
function tooLarge({ records }: Batch): boolean {
  return records.length === 1 && EVENT_FRAME_BYTES + records[0]!.entryBytes > LAMBDA_PAYLOAD_MAX_BYTES;
}

function backoffMs(attempt: number): number {
  return Math.min(BACKOFF_MIN_MS * 2 ** (attempt - 1), BACKOFF_MAX_MS);
}
