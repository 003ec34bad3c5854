import { type HashKeyRange, middleHashKey } from "../../wire/hash-key.ts";
import { SHARD_WRITE_BYTES_PER_SECOND, SHARD_WRITE_RECORDS_PER_SECOND } from "../../wire/limits.ts";
import { TokenBucket } from "../token-bucket.ts";
import { ArrivalWindow } from "./arrival-window.ts";
import { backoffMs } from "./backoff.ts";
import type { OutgoingRecord } from "./outgoing-record.ts";

/**
 * How much of a shard's limit is taken to be ours. Others write to it, too, and only its refusals tell:
 * each takes a tenth of our share away, and time without one gives it back.
 */
const SHARE_KEPT = 0.9;
const SHARE_WON_PER_SECOND = 0.01;
const LEAST_SHARE = 0.02;

/** Tokens saved up while nothing was sent must make no burst: a shard has none to give. */
const BURST_SECONDS = 0.05;

/** An open shard: what waits for it, and what it can take. */
export class Shard {
  readonly shardId: string;
  /** Owned by the shard, and by one of its children after a split. */
  readonly explicitHashKey: string;
  /** In the order in which they are to be sent. */
  waiting: OutgoingRecord[] = [];
  /** Bytes that wait or are in flight. */
  queuedBytes = 0;
  /** Of aggregates that it was chosen for, until they wait for it. */
  promisedBytes = 0;
  readonly #first: bigint;
  readonly #last: bigint;
  readonly #bytes: TokenBucket;
  readonly #records: TokenBucket;
  readonly #window: ArrivalWindow;
  #pausedUntilMs = -Infinity;
  #shareAtMs: number;
  #failures = 0;

  /** @param rateLimit of what the service takes: 1 is all of it */
  constructor(shardId: string, range: HashKeyRange, rateLimit: number, nowMs: number) {
    this.shardId = shardId;
    this.explicitHashKey = middleHashKey(range);
    this.#first = BigInt(range.startingHashKey);
    this.#last = BigInt(range.endingHashKey);
    const bytesPerSecond = SHARD_WRITE_BYTES_PER_SECOND * rateLimit;
    const recordsPerSecond = SHARD_WRITE_RECORDS_PER_SECOND * rateLimit;
    this.#bytes = new TokenBucket(bytesPerSecond, BURST_SECONDS, nowMs);
    this.#shareAtMs = nowMs;
    this.#records = new TokenBucket(recordsPerSecond, BURST_SECONDS, nowMs);
    this.#window = new ArrivalWindow(bytesPerSecond, recordsPerSecond);
  }

  /** One of the same id may not: a stream that is made again numbers its shards from 0 on. */
  spans({ startingHashKey, endingHashKey }: HashKeyRange): boolean {
    return this.#first === BigInt(startingHashKey) && this.#last === BigInt(endingHashKey);
  }

  owns(hashKey: bigint): boolean {
    return hashKey >= this.#first && hashKey <= this.#last;
  }

  /** When it can take a record of so many bytes, partition key included, besides what waits. */
  readyAtMs(bytes: number, nowMs: number): number {
    return Math.max(
      this.#pausedUntilMs,
      this.#bytes.readyAtMs(bytes, nowMs),
      this.#records.readyAtMs(1, nowMs),
      this.#window.readyAtMs(bytes, nowMs),
    );
  }

  /** How long it would take to get one more record to it. */
  delayMs(nowMs: number): number {
    const queueMs = ((this.queuedBytes + this.promisedBytes) / this.#bytes.perSecond) * 1_000;
    return Math.max(0, this.readyAtMs(0, nowMs) - nowMs) + queueMs;
  }

  sending(bytes: number, nowMs: number): void {
    this.#bytes.take(bytes, nowMs);
    this.#records.take(1, nowMs);
    this.#window.sending(bytes);
  }

  /** @param arrivedAtMs at the latest, as seen from here: an answer takes its time, too */
  took(bytes: number, nowMs: number, arrivedAtMs: number): void {
    this.#window.arrived(bytes, arrivedAtMs);
    this.#failures = 0;
    const won = ((nowMs - this.#shareAtMs) / 1_000) * SHARE_WON_PER_SECOND;
    this.#setShare(Math.min(1, this.#bytes.share + won), nowMs);
  }

  /** It is over its limit: less from now on, and nothing for a while. */
  throttled(bytes: number, nowMs: number, random: number): void {
    // Entries of one request, and of those sent beside it, are refused for one reason.
    if (nowMs > this.#pausedUntilMs) {
      this.#setShare(Math.max(LEAST_SHARE, this.#bytes.share * SHARE_KEPT), nowMs);
    }
    this.failed(bytes, nowMs, random);
  }

  failed(bytes: number, nowMs: number, random: number): void {
    this.#window.refused(bytes);
    if (nowMs <= this.#pausedUntilMs) return;
    this.#pausedUntilMs = nowMs + backoffMs(this.#failures++, random);
  }

  /** No answer came. It may have been taken all the same. */
  lost(bytes: number, nowMs: number): void {
    this.#window.arrived(bytes, nowMs);
  }

  #setShare(share: number, nowMs: number): void {
    this.#shareAtMs = nowMs;
    this.#bytes.setShare(share, nowMs);
    this.#records.setShare(share, nowMs);
  }
}
