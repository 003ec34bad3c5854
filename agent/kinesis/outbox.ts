import { EventEmitter, once } from "node:events";
import type { Clock } from "../steady-clock.ts";
import type { OutgoingRecord } from "./outgoing-record.ts";
import type { Shard } from "./shard.ts";
import type { ShardMap } from "./shard-map.ts";

/** A record in flight, and the shard that was expected to get it. */
export interface InFlightRecord {
  readonly record: OutgoingRecord;
  readonly shard: Shard;
  /** That count against the shard's limit. */
  readonly bytes: number;
}

/** Records that Kinesis has not acknowledged: those that wait, and those in flight. Bounded in bytes. */
export class Outbox {
  readonly #maxBytes: number;
  readonly #shards: Pick<ShardMap, "owner" | "shards">;
  readonly #clock: Clock;
  readonly #changed = new EventEmitter<{ change: [] }>().setMaxListeners(0);
  readonly #sourcesInFlight = new Set<string>();
  #bytes = 0;
  #turn = 0;

  constructor(maxBytes: number, shards: Pick<ShardMap, "owner" | "shards">, clock: Clock) {
    this.#maxBytes = maxBytes;
    this.#shards = shards;
    this.#clock = clock;
  }

  /** Bytes that wait or are in flight. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Never refuses: whoever puts waits for `room` between two blocks of lines, whose size is bounded. */
  put(record: OutgoingRecord): void {
    const shard = this.#shards.owner(record.explicitHashKey);
    shard.waiting.push(record);
    // Those that were chosen for together are put together.
    shard.promisedBytes = 0;
    shard.queuedBytes += record.data.length;
    this.#bytes += record.data.length;
    this.#changed.emit("change");
  }

  /** Resolves once there is less than the limit. @throws AbortError */
  async room(signal: AbortSignal): Promise<void> {
    while (this.#bytes >= this.#maxBytes) await once(this.#changed, "change", { signal });
  }

  /** Resolves once everything is acknowledged. @throws AbortError */
  async empty(signal: AbortSignal): Promise<void> {
    while (this.#bytes > 0) await once(this.#changed, "change", { signal });
  }

  /** Records that their shards can take now, at least one, within both limits. @throws AbortError */
  async take(maxRecords: number, maxBytes: number, signal: AbortSignal): Promise<InFlightRecord[]> {
    for (;;) {
      const entries: InFlightRecord[] = [];
      const readyAtMs = this.#collect(entries, maxRecords, maxBytes);
      if (entries.length > 0) return entries;
      await this.#changeUntil(readyAtMs, signal);
    }
  }

  acknowledged({ record, shard }: InFlightRecord): void {
    this.#landed(record);
    shard.queuedBytes -= record.data.length;
    this.#bytes -= record.data.length;
    record.acknowledge();
    this.#changed.emit("change");
  }

  /** Puts records back before those that wait, in the order in which they were taken. */
  returned(entries: readonly InFlightRecord[]): void {
    for (const { record, shard } of entries.toReversed()) {
      this.#landed(record);
      shard.queuedBytes -= record.data.length;
      // Another than before, where the stream was resharded meanwhile.
      const owner = this.#shards.owner(record.explicitHashKey);
      owner.queuedBytes += record.data.length;
      owner.waiting.unshift(record);
    }
    this.#changed.emit("change");
  }

  /** @returns when the first shard that has something to take will be ready */
  #collect(entries: InFlightRecord[], maxRecords: number, maxBytes: number): number {
    const now = this.#clock.now();
    const { shards } = this.#shards;
    let bytes = 0;
    let soonest = Infinity;
    this.#turn++;
    for (let i = 0; i < shards.length; i++) {
      const shard = shards[(this.#turn + i) % shards.length]!;
      for (let at = 0; at < shard.waiting.length && entries.length < maxRecords;) {
        const record = shard.waiting[at]!;
        if (record.source !== undefined && this.#sourcesInFlight.has(record.source)) {
          at++;
          continue;
        }
        const size = record.data.length + record.partitionKey.length;
        const readyAtMs = shard.readyAtMs(size, now);
        soonest = Math.min(soonest, readyAtMs);
        if (readyAtMs > now || (bytes > 0 && bytes + size > maxBytes)) break;
        shard.waiting.splice(at, 1);
        shard.sending(size, now);
        bytes += size;
        if (record.source !== undefined) this.#sourcesInFlight.add(record.source);
        entries.push({ record, shard, bytes: size });
      }
    }
    return soonest;
  }

  #landed({ source }: OutgoingRecord): void {
    if (source !== undefined) this.#sourcesInFlight.delete(source);
  }

  async #changeUntil(atMs: number, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    // AbortSignal.any leaves so much to the collector, at every record, that the heap grows by a half.
    const over = new AbortController();
    const stop = (): void => over.abort();
    signal.addEventListener("abort", stop);
    const waits: Promise<unknown>[] = [once(this.#changed, "change", over)];
    if (atMs < Infinity)
      waits.push(this.#clock.sleep(Math.max(0, Math.ceil(atMs - this.#clock.now())), over.signal));
    try {
      await Promise.race(waits);
    } finally {
      over.abort();
      signal.removeEventListener("abort", stop);
      await Promise.allSettled(waits);
    }
  }
}
