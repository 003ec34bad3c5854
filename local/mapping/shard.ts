import { LAMBDA_PAYLOAD_MAX_BYTES } from "../../wire/limits.ts";
import { BatchQueue } from "./batch-queue.ts";
import type { MappingSettings } from "./settings.ts";
import type { StreamRecord } from "./stream-record.ts";

/** One batch under way and one ahead. A GetRecords reply, 10 MiB at most, comes on top of it. */
const READ_AHEAD_BYTES = 2 * LAMBDA_PAYLOAD_MAX_BYTES;

/**
 * What is read of a shard and not finished, and how far the shard is done.
 *
 * Invariant: every record up to and including `checkpoint` is done or given up.
 */
export class Shard {
  readonly batches: BatchQueue;
  readonly #unfinished: StreamRecord[] = [];
  #bytes = 0;
  #read = 0;
  #checkpoint: string | undefined;
  #caughtUp = { sinceMs: -Infinity, read: 0 };

  constructor(settings: MappingSettings) {
    this.batches = new BatchQueue(settings, (records) => this.#done(records));
  }

  /** Sequence number up to which nothing is left to do; undefined before the first. */
  get checkpoint(): string | undefined {
    return this.#checkpoint;
  }

  /** False while enough is read ahead. */
  get hasRoom(): boolean {
    return this.#bytes < READ_AHEAD_BYTES;
  }

  /** True when nothing that was read is left to do. */
  get idle(): boolean {
    return this.#unfinished.length === 0;
  }

  /** When the oldest unfinished record arrived. */
  get oldestArrivedAtMs(): number | undefined {
    return this.#unfinished[0]?.arrivedAtMs;
  }

  get inFlight(): number {
    return this.batches.inFlight;
  }

  /** Records read, in order. */
  read(records: readonly StreamRecord[], atMs: number): void {
    if (records.length === 0) return;
    this.#unfinished.push(...records);
    for (const { entryBytes } of records) this.#bytes += entryBytes;
    this.#read += records.length;
    this.batches.on({ kind: "read", records, atMs });
  }

  /** A request that began at `sinceMs` left nothing unread. */
  caughtUp(sinceMs: number): void {
    this.#caughtUp = { sinceMs, read: this.#read };
  }

  /** True when all that was in the shard at `sinceMs` is done or given up. */
  finished(sinceMs: number): boolean {
    const done = this.#read - this.#unfinished.length;
    return this.#caughtUp.sinceMs >= sinceMs && done >= this.#caughtUp.read;
  }

  /** @param records the oldest that were unfinished, in order */
  #done(records: readonly StreamRecord[]): void {
    this.#unfinished.splice(0, records.length);
    for (const { entryBytes } of records) this.#bytes -= entryBytes;
    this.#checkpoint = records.at(-1)?.sequenceNumber ?? this.#checkpoint;
  }
}
