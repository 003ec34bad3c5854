import type { KinesisClient } from "@aws-sdk/client-kinesis";
import type { Logger } from "pino";
import { PUT_RECORDS_MAX_RECORDS } from "../../wire/limits.ts";
import { AgentError, systemReason } from "../agent-error.ts";
import { backOff } from "./backoff.ts";
import { callFailure } from "./call-failure.ts";
import type { Outbox, OutgoingRecord } from "./outbox.ts";
import { type PutResult, putRecords } from "./put-records.ts";
import { RequestBody } from "./request-body.ts";
import type { ShardMap } from "./shard-map.ts";

/**
 * Data in one request. Far below what PutRecords takes (10 MiB): a failed request is sent again
 * whole, and its body is held in memory for each request in flight.
 */
const REQUEST_MAX_BYTES = 2 * 2 ** 20;

export interface ProducerOptions {
  readonly client: KinesisClient;
  readonly stream: string;
  readonly outbox: Outbox;
  readonly shards: ShardMap;
  readonly maxInFlight: number;
  readonly log: Logger;
}

export interface ProducerCounts {
  requests: number;
  records: number;
  bytes: number;
  /** Entries and whole requests that were sent again. */
  retries: number;
}

/**
 * Sends what is in the outbox until it is acknowledged. Nothing is given up: an entry that Kinesis
 * does not take is tried again, with growing pauses, for as long as the agent runs.
 */
export class Producer {
  readonly #options: ProducerOptions;
  readonly counts: ProducerCounts = { requests: 0, records: 0, bytes: 0, retries: 0 };

  constructor(options: ProducerOptions) {
    this.#options = options;
  }

  /** Runs until the signal. @throws AgentError STREAM_REFUSED, RESULT_COUNT */
  async run(signal: AbortSignal): Promise<void> {
    const stop = new AbortController();
    const either = AbortSignal.any([signal, stop.signal]);
    const senders = Array.from({ length: this.#options.maxInFlight }, () => this.#send(either));
    try {
      await Promise.all(senders);
    } catch (error) {
      stop.abort();
      await Promise.allSettled(senders);
      if (!signal.aborted) throw error;
    }
  }

  async #send(signal: AbortSignal): Promise<void> {
    const body = new RequestBody();
    for (;;) {
      let records = await this.#options.outbox.take(PUT_RECORDS_MAX_RECORDS, REQUEST_MAX_BYTES, signal);
      for (let attempt = 0; ; attempt++) {
        records = await this.#put(records, body, signal);
        if (records.length === 0) break;
        await backOff(attempt, signal);
      }
    }
  }

  /** @returns what is to be sent again */
  async #put(records: OutgoingRecord[], body: RequestBody, signal: AbortSignal): Promise<OutgoingRecord[]> {
    const { client, stream, log } = this.#options;
    let result: PutResult;
    this.counts.requests++;
    try {
      result = await putRecords(client, stream, records, body, signal);
    } catch (error) {
      signal.throwIfAborted();
      body.discard();
      const failure = callFailure(stream, error);
      if (failure instanceof AgentError) throw failure;
      this.counts.retries += records.length;
      log.warn(
        { stream, reason: systemReason(error), records: records.length },
        "PutRecords failed; retrying",
      );
      return records;
    }
    this.#settle(result, signal);
    return [...result.retry];
  }

  #settle({ put, retry, reason }: PutResult, signal: AbortSignal): void {
    const { outbox, shards, stream, log } = this.#options;
    let isSurprise = false;
    for (const { record, shardId } of put) {
      this.counts.records++;
      this.counts.bytes += record.data.length;
      isSurprise ||= shardId !== record.shardId && !shards.has(shardId);
      shards.arrived(record.shardId);
      outbox.acknowledged(record);
    }
    this.counts.retries += retry.length;
    if (retry.length > 0)
      log.warn({ stream, reason, records: retry.length }, "Kinesis took only some records");
    if (isSurprise) this.#refreshShards(signal);
  }

  /** A record landed on a shard that is not in the map: the stream was resharded. */
  #refreshShards(signal: AbortSignal): void {
    const { shards, stream, log } = this.#options;
    shards.refresh(signal).then(
      () => log.info({ stream }, "the stream was resharded"),
      (error: unknown) => {
        if (!signal.aborted) log.warn({ stream, reason: systemReason(error) }, "ListShards failed");
      },
    );
  }
}
