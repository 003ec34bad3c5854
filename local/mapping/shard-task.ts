import type { RecordOrigin } from "../../wire/kinesis-event.ts";
import { BatchWorker } from "./batch-worker.ts";
import { ERROR_WAIT_MS, type MappingContext } from "./mapping-context.ts";
import type { MappingEvent } from "./mapping-event.ts";
import type { ShardReader } from "./shard-reader.ts";
import { Shard } from "./shard.ts";
import { toStreamRecord } from "./stream-record.ts";
import { Wake } from "./wake.ts";

/** Lambda asks each shard once a second. source: Lambda guide, "Using Lambda with Kinesis", read 2026-11 */
const IDLE_POLL_MS = 1_000;

/**
 * GetRecords ends a page at 10 MiB or 10,000 records. From a page well below there is nothing left
 * to read; past these, "0 ms behind" may only mean that the rest arrived in the same millisecond.
 */
const SHORT_PAGE_BYTES = 8 * 2 ** 20;
const SHORT_PAGE_RECORDS = 9_000;

export interface ShardStatus {
  readonly shardId: string;
  /** Everything up to it is done or given up. */
  readonly checkpoint: string | undefined;
  /** Age of the oldest record that is not; 0 when there is none. */
  readonly millisBehind: number;
  /** Records in invocations, or on their way to the failure destination. */
  readonly inFlight: number;
  /** Invocations that failed. */
  readonly retries: number;
  /** Records given up, to the failure destination or to nowhere. */
  readonly dropped: number;
}

/** One shard being worked on: one task reads ahead, one invokes. */
export class ShardTask {
  readonly shardId: string;
  readonly #context: MappingContext;
  readonly #reader: ShardReader;
  readonly #shard: Shard;
  readonly #changed = new Wake();
  #millisBehind = 0;
  #retries = 0;
  #dropped = 0;
  #readToEnd = false;
  #ended = false;

  constructor(shardId: string, reader: ShardReader, context: MappingContext) {
    this.shardId = shardId;
    this.#reader = reader;
    this.#shard = new Shard(context.settings);
    this.#context = { ...context, onEvent: (event) => this.#tell(event, context.onEvent) };
  }

  /** Fixes where reading begins. */
  async open(): Promise<void> {
    await this.#reader.open(this.#context.signal);
  }

  /** Resolves once the shard is closed and all of it is done; for an open one, on abort. */
  async run(): Promise<void> {
    const { onEvent } = this.#context;
    onEvent({ kind: "shard-opened", shardId: this.shardId });
    const worker = new BatchWorker(this.shardId, this.#shard.batches, this.#context, this.#changed);
    const allDone = (): boolean => this.#readToEnd && this.#shard.idle;
    await Promise.all([this.#readAll(), worker.run(allDone)]);
    if (!allDone()) return;
    this.#ended = true;
    onEvent({ kind: "shard-closed", shardId: this.shardId });
    this.#changed.wake();
  }

  /** True once the shard is closed and all of it is done: its children may begin. */
  get ended(): boolean {
    return this.#ended;
  }

  get status(): ShardStatus {
    const { checkpoint, oldestArrivedAtMs, inFlight } = this.#shard;
    return {
      shardId: this.shardId,
      checkpoint,
      millisBehind: oldestArrivedAtMs === undefined ? this.#millisBehind : Date.now() - oldestArrivedAtMs,
      inFlight,
      retries: this.#retries,
      dropped: this.#dropped,
    };
  }

  /** Whether batches are sent without waiting for company. */
  hurry(on: boolean): void {
    this.#shard.batches.on({ kind: "hurry", on: on || this.#readToEnd });
    this.#changed.wake();
  }

  /**
   * Resolves once all that was in the shard at `sinceMs` is done or given up, or on abort. Infinity is
   * for a shard that is known to be closed: all of it, to its end.
   */
  async finished(sinceMs: number): Promise<void> {
    const { signal } = this.#context;
    while (!this.#ended && !this.#shard.finished(sinceMs) && !signal.aborted) {
      await this.#changed.wait(Infinity, signal);
    }
  }

  async #readAll(): Promise<void> {
    const { signal, enabled, pollNow, onEvent } = this.#context;
    while (!signal.aborted && !this.#readToEnd) {
      await enabled.on(signal);
      if (signal.aborted) return;
      if (!this.#shard.hasRoom) {
        await this.#changed.wait(Infinity, signal);
        continue;
      }
      try {
        const caughtUp = await this.#readPage();
        if (caughtUp) await pollNow.wait(IDLE_POLL_MS, signal);
      } catch (error) {
        if (signal.aborted) return;
        onEvent({ kind: "poll-failed", shardId: this.shardId, error });
        await pollNow.wait(ERROR_WAIT_MS, signal);
      }
    }
  }

  /** @returns whether there was nothing more to read */
  async #readPage(): Promise<boolean> {
    const { streamArn, onEvent, signal } = this.#context;
    const startedAtMs = Date.now();
    const page = await this.#reader.read(signal);
    const origin = recordOrigin(this.shardId, streamArn);
    const records = (page.Records ?? []).map((record) => toStreamRecord(record, origin));
    const bytes = records.reduce((sum, { entryBytes }) => sum + entryBytes, 0);
    if (records.length > 0)
      onEvent({ kind: "polled", shardId: this.shardId, records: records.length, bytes });

    this.#shard.read(records, Date.now());
    this.#millisBehind = page.MillisBehindLatest ?? 0;
    const short = bytes < SHORT_PAGE_BYTES && records.length < SHORT_PAGE_RECORDS;
    const caughtUp = short && this.#millisBehind === 0;
    if (caughtUp) this.#shard.caughtUp(startedAtMs);
    if (page.NextShardIterator === undefined) {
      this.#readToEnd = true;
      this.hurry(true);
    }
    this.#changed.wake();
    return caughtUp;
  }

  #tell(event: MappingEvent, onEvent: (event: MappingEvent) => void): void {
    if (event.kind === "invoked" && event.outcome === "failed") this.#retries++;
    if (event.kind === "gave-up") this.#dropped += event.records;
    onEvent(event);
  }
}

function recordOrigin(shardId: string, streamArn: string): RecordOrigin {
  const [, , , region = "", account = ""] = streamArn.split(":");
  return { shardId, streamArn, region, invokeIdentityArn: `arn:aws:iam::${account}:role/local` };
}
