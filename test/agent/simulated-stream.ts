import { pino } from "pino";
import { Outbox, type InFlightRecord } from "../../agent/kinesis/outbox.ts";
import type { OutgoingRecord } from "../../agent/kinesis/outgoing-record.ts";
import { Producer } from "../../agent/kinesis/producer.ts";
import type { PutResult } from "../../agent/kinesis/put-records.ts";
import { ShardMap } from "../../agent/kinesis/shard-map.ts";
import { ShardLimits } from "../../bench/shard-limits.ts";
import { SimulatedClock } from "./simulated-clock.ts";

const KEYS = 2n ** 128n;
const ANSWER_MS = 40;

/**
 * The service's limits in simulated time.
 */
export class SimulatedStream {
  readonly clock = new SimulatedClock();
  readonly shards: ShardMap;
  readonly outbox: Outbox;
  readonly producer: Producer;
  /** Bytes that each shard took. */
  readonly taken = new Map<string, number>();
  readonly arrived: {
    readonly source: string | undefined;
    readonly key: string;
    readonly shardId: string;
  }[] = [];
  onArrival: (record: OutgoingRecord) => void = () => {};
  isDown = false;
  /** How often its shards were listed. */
  listed = 0;
  /** Shards that refuse everything. */
  readonly hot = new Set<string>();
  readonly limits = new ShardLimits();
  #shardCount: number;
  #firstId = 0;
  readonly #random: () => number;
  readonly #stop = new AbortController();
  #running: Promise<void> | undefined;

  constructor(shardCount: number, maxBytes: number, random: () => number) {
    this.#shardCount = shardCount;
    this.#random = random;
    const client = { send: async () => ({ Shards: this.#list() }) } as never;
    const { clock } = this;
    this.shards = new ShardMap({ client, stream: "test", rateLimit: 1, now: clock.now });
    this.outbox = new Outbox(maxBytes, this.shards, clock);
    this.producer = new Producer({
      stream: "test",
      requests: { send: (entries, signal) => this.#send(entries, signal) },
      outbox: this.outbox,
      shards: this.shards,
      maxInFlight: 4,
      clock,
      random,
      log: pino({ level: "silent" }),
    });
  }

  async start(): Promise<void> {
    await this.shards.refresh(this.#stop.signal);
    this.#running = this.producer.run(this.#stop.signal);
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }

  /** Puts records whenever there is room, for as long as the simulation runs. */
  async feed(next: () => OutgoingRecord): Promise<void> {
    const { signal } = this.#stop;
    for (;;) {
      await this.outbox.room(signal).catch(() => {});
      if (signal.aborted) return;
      this.outbox.put(next());
    }
  }

  reshard(shardCount: number): void {
    this.#firstId += this.#shardCount;
    this.#shardCount = shardCount;
  }

  /** Deletes it, and makes it again with shards whose ids were used before. */
  remake(shardCount: number): void {
    this.#firstId = 0;
    this.#shardCount = shardCount;
  }

  owner(explicitHashKey: string): string {
    return this.#id(Number((BigInt(explicitHashKey) * BigInt(this.#shardCount)) / KEYS));
  }

  #id(i: number): string {
    return `shardId-${`${this.#firstId + i}`.padStart(12, "0")}`;
  }

  #list(): object[] {
    this.listed++;
    const count = BigInt(this.#shardCount);
    const from = (i: bigint) => (KEYS * i + count - 1n) / count;
    return Array.from({ length: this.#shardCount }, (_, i) => ({
      ShardId: this.#id(i),
      HashKeyRange: { StartingHashKey: `${from(BigInt(i))}`, EndingHashKey: `${from(BigInt(i + 1)) - 1n}` },
    }));
  }

  async #send(entries: readonly InFlightRecord[], signal: AbortSignal): Promise<PutResult> {
    await this.clock.sleep(ANSWER_MS * this.#random(), signal);
    if (this.isDown) throw new Error("connect ECONNREFUSED");
    const put = [];
    const retry = [];
    for (const entry of entries) {
      const shardId = this.owner(entry.record.explicitHashKey);
      if (this.#takes(shardId, entry.record)) put.push({ entry, shardId });
      else retry.push({ entry, isThrottled: true });
    }
    await this.clock.sleep(ANSWER_MS * this.#random(), signal);
    return { put, retry, reason: "over the limit" };
  }

  #takes(shardId: string, record: OutgoingRecord): boolean {
    const { data, partitionKey, source } = record;
    const size = data.length + partitionKey.length;
    if (this.hot.has(shardId) || !this.limits.takes(shardId, size, this.clock.now())) return false;
    this.taken.set(shardId, (this.taken.get(shardId) ?? 0) + size);
    this.arrived.push({ source, key: partitionKey, shardId });
    this.onArrival(record);
    return true;
  }
}
