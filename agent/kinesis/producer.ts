import type { Logger } from "pino";
import { PUT_RECORDS_MAX_RECORDS } from "../../wire/limits.ts";
import { AgentError, systemReason } from "../agent-error.ts";
import { awsReason } from "./aws-reason.ts";
import { backoffMs } from "./backoff.ts";
import { callFailure } from "./call-failure.ts";
import type { Clock } from "../steady-clock.ts";
import type { Outbox, InFlightRecord } from "./outbox.ts";
import type { PutRecords, PutResult } from "./put-records.ts";
import { RecentMinimum } from "./recent-minimum.ts";
import type { ShardMap } from "./shard-map.ts";

/**
 * Data in one request: what is sealed together, and one aggregate more. Far below what PutRecords takes (10 MiB): a
 * failed request is sent again whole, and its body is held in memory for each request in flight.
 */
const REQUEST_MAX_BYTES = 2 ** 22;

/** Enough for one that is sent soon to be hardly ever faster than all of them. */
const ANSWERS_COMPARED = 64;

/** Least time from one list of shards to the next: right after a change it may still be the old one. */
const LIST_AGAIN_MS = 1_000;

export interface ProducerOptions {
  readonly stream: string;
  readonly requests: Pick<PutRecords, "send">;
  readonly outbox: Outbox;
  readonly shards: Pick<ShardMap, "has" | "refresh" | "shards">;
  readonly maxInFlight: number;
  readonly clock: Clock;
  /** In [0, 1). */
  readonly random: () => number;
  readonly log: Logger;
}

export interface ProducerCounts {
  requests: number;
  records: number;
  bytes: number;
  /** Entries and whole requests that were sent again. */
  retries: number;
  /** Entries that went over the limit of their shard. */
  throttled: number;
  /** Requests that failed whole. */
  failures: number;
}

export interface ShardCounts {
  records: number;
  bytes: number;
  /** Entries that it, or the stream, had no room for. */
  throttled: number;
  /** Entries that were meant for it and are sent again. */
  retries: number;
}

/**
 * Sends what is in the outbox until it is acknowledged. Nothing is given up: an entry that Kinesis
 * does not take is tried again, with growing pauses, for as long as the agent runs.
 *
 * An entry that fails makes its shard wait, and no other. A request that fails as a whole makes them
 * all wait, and halves how many may be in flight; each that succeeds allows one more.
 */
export class Producer {
  readonly #options: ProducerOptions;
  readonly counts: ProducerCounts = {
    requests: 0,
    records: 0,
    bytes: 0,
    retries: 0,
    throttled: 0,
    failures: 0,
  };
  /** Of open shards, and of those that closed since the shards were last listed. */
  readonly byShard = new Map<string, ShardCounts>();
  /** Why the last request failed, until one succeeds. */
  failure: string | undefined;
  #maxInFlight = 1;
  /** Requests that failed since the last that did not. */
  #failures = 0;
  /** When shards were last listed for a surprise. */
  #listedAtMs = -Infinity;
  /** Time that requests take at least: nothing that is sent now arrives much sooner. */
  readonly #answerMs = new RecentMinimum(ANSWERS_COMPARED);

  constructor(options: ProducerOptions) {
    this.#options = options;
  }

  /** Runs until the signal. @throws AgentError STREAM_REFUSED, RESULT_COUNT */
  async run(signal: AbortSignal): Promise<void> {
    const stop = new AbortController();
    const either = AbortSignal.any([signal, stop.signal]);
    const inFlight = new Set<Promise<void>>();
    try {
      for (;;) {
        while (inFlight.size >= this.#maxInFlight) await Promise.race(inFlight);
        const { outbox } = this.#options;
        const entries = await outbox.take(PUT_RECORDS_MAX_RECORDS, REQUEST_MAX_BYTES, either);
        const request = this.#send(entries, either).catch((error: unknown) => stop.abort(error));
        inFlight.add(request);
        void request.finally(() => inFlight.delete(request));
      }
    } catch (error) {
      stop.abort(error);
      await Promise.allSettled(inFlight);
      if (!signal.aborted) throw stop.signal.reason;
    }
  }

  /** @throws AgentError that no retry can mend, AbortError */
  async #send(entries: readonly InFlightRecord[], signal: AbortSignal): Promise<void> {
    const { requests, outbox, clock, random } = this.#options;
    this.counts.requests++;
    const sentAtMs = clock.now();
    let result: PutResult;
    try {
      result = await requests.send(entries, signal);
    } catch (error) {
      signal.throwIfAborted();
      this.#failed(entries, error);
      await clock.sleep(backoffMs(this.#failures++, random()), signal);
      outbox.returned(entries);
      return;
    }
    this.#failures = 0;
    this.failure = undefined;
    this.#maxInFlight = Math.min(this.#options.maxInFlight, this.#maxInFlight + 1);
    this.#answerMs.add(clock.now() - sentAtMs);
    this.#settle(result, signal);
  }

  #failed(entries: readonly InFlightRecord[], error: unknown): void {
    const { stream, log } = this.#options;
    const failure = callFailure(stream, error);
    if (failure instanceof AgentError) throw failure;
    this.#maxInFlight = Math.ceil(this.#maxInFlight / 2);
    for (const { shard, bytes } of entries) shard.lost(bytes, this.#options.clock.now());
    this.counts.failures++;
    this.counts.retries += entries.length;
    for (const { shard } of entries) this.#shard(shard.shardId).retries++;
    this.failure = awsReason(error, "PutRecords");
    log.warn({ stream, reason: this.failure, records: entries.length }, "PutRecords failed; retrying");
  }

  #settle({ put, retry, reason }: PutResult, signal: AbortSignal): void {
    const { outbox, shards, stream, clock, random, log } = this.#options;
    const now = clock.now();
    let isSurprise = false;
    for (const { entry, shardId } of put) {
      this.counts.records++;
      this.counts.bytes += entry.record.data.length;
      const counts = this.#shard(shardId);
      counts.records++;
      counts.bytes += entry.record.data.length;
      isSurprise ||= shardId !== entry.shard.shardId && shards.has(entry.shard);
      entry.shard.took(entry.bytes, now, now - this.#answerMs.value);
      outbox.acknowledged(entry);
    }
    for (const { entry, isThrottled } of retry) {
      this.counts.retries++;
      this.#shard(entry.shard.shardId).retries++;
      if (isThrottled) {
        this.counts.throttled++;
        this.#shard(entry.shard.shardId).throttled++;
        entry.shard.throttled(entry.bytes, now, random());
      } else entry.shard.failed(entry.bytes, now, random());
    }
    outbox.returned(retry.map(({ entry }) => entry));
    if (retry.length > 0)
      log.warn({ stream, reason, records: retry.length }, "Kinesis took only some records");
    if (isSurprise && now >= this.#listedAtMs + LIST_AGAIN_MS) void this.#refreshShards(signal);
  }

  #shard(shardId: string): ShardCounts {
    let counts = this.byShard.get(shardId);
    if (counts === undefined) {
      counts = { records: 0, bytes: 0, throttled: 0, retries: 0 };
      this.byShard.set(shardId, counts);
    }
    return counts;
  }

  /** A shard of the map did not get its record: the stream was resharded, or made again. */
  async #refreshShards(signal: AbortSignal): Promise<void> {
    const { shards, stream, clock, log } = this.#options;
    this.#listedAtMs = clock.now();
    try {
      await shards.refresh(signal);
    } catch (error) {
      if (!signal.aborted) log.warn({ stream, reason: systemReason(error) }, "ListShards failed");
      return;
    }
    log.info({ stream }, "the stream was resharded");
    const open = new Set(shards.shards.map(({ shardId }) => shardId));
    for (const shardId of this.byShard.keys()) if (!open.has(shardId)) this.byShard.delete(shardId);
  }
}
