import { setTimeout as sleep } from "node:timers/promises";
import {
  GetRecordsCommand,
  type GetRecordsCommandOutput,
  GetShardIteratorCommand,
  type GetShardIteratorCommandInput,
  type KinesisClient,
} from "@aws-sdk/client-kinesis";
import { kinesisEventRecord } from "../../wire/kinesis-event.ts";
import { Pace } from "./pace.ts";
import { type ReplayRecord, replayRecord } from "./replay-record.ts";

/** Where a stretch of a shard begins or ends, included. */
export type Bound = { readonly sequence: bigint } | { readonly at: Date };

/**
 * Half of what a shard gives to all who read it, 5 requests and 2 MiB a second: the router's mapping has the other half.
 * Kinesis quotas page, read 2026-11.
 */
const READ_EVERY_MS = 400;
const READ_BYTES_PER_SECOND = 2 ** 20;

/** A reply of 10 MiB keeps all readers from the shard for five seconds: pages are asked for that are smaller. */
const PAGE_BYTES = 2 ** 20;
const FIRST_PAGE_RECORDS = 64;
const PAGE_MAX_RECORDS = 10_000;

/** Another reader has used up what the shard gives. */
const THROTTLED = new Set(["ProvisionedThroughputExceededException", "KMSThrottlingException"]);
const THROTTLE_WAIT_MS = 1_000;
/** An hour: by then somebody should look at who else reads the stream. */
const MAX_THROTTLES = 3_600;

/** The former is Kinesis' own word for a number that a shard does not have; the latter, that of kinesis-local. */
const UNKNOWN_NUMBER = new Set(["InvalidArgumentException", "ResourceNotFoundException"]);

/** Arrivals are approximate. */
const CLOCKS_MS = 60_000;

type Position = Omit<GetShardIteratorCommandInput, "StreamName" | "ShardId">;

const OLDEST: Position = { ShardIteratorType: "TRIM_HORIZON" };

const positionAt = (bound: Bound): Position =>
  "at" in bound
    ? { ShardIteratorType: "AT_TIMESTAMP", Timestamp: bound.at }
    : { ShardIteratorType: "AT_SEQUENCE_NUMBER", StartingSequenceNumber: `${bound.sequence}` };

/** Reads stretches of a stream's shards: through empty pages, iterators that expire, and throttling. */
export class StreamReader {
  readonly #kinesis: KinesisClient;
  readonly #streamName: string;
  readonly #streamArn: string;
  readonly #paces = new Map<string, { pace: Pace; readAtMs: number }>();

  constructor(kinesis: KinesisClient, streamArn: string) {
    this.#kinesis = kinesis;
    this.#streamArn = streamArn;
    this.#streamName = streamArn.slice(streamArn.indexOf("/") + 1);
  }

  /**
   * The records of a shard between two bounds, both included, as far as the shard has them by now.
   *
   * @param arrivedFrom when the first of them arrived, if it is known
   */
  async *read(shardId: string, from: Bound, to: Bound, arrivedFrom?: Date): AsyncGenerator<ReplayRecord> {
    for await (const record of this.#pages(shardId, positionAt(from), { arrivedFrom })) {
      if ("sequence" in from && record.sequence < from.sequence) continue;
      if ("sequence" in to ? record.sequence > to.sequence : record.arrivedAt > to.at) return;
      yield record;
    }
  }

  /** The oldest record that a shard still has; undefined where it has none. */
  async oldest(shardId: string): Promise<ReplayRecord | undefined> {
    return first(this.#pages(shardId, OLDEST, { limit: 1 }));
  }

  /** The first record after one, or the oldest where that is gone; undefined where none has come yet. */
  async next(shardId: string, after: bigint | undefined): Promise<ReplayRecord | undefined> {
    if (after === undefined) return this.oldest(shardId);
    for await (const record of this.#pages(shardId, positionAt({ sequence: after }), { limit: 2 })) {
      if (record.sequence > after) return record;
    }
    return undefined;
  }

  async *#pages(
    shardId: string,
    position: Position,
    { limit, arrivedFrom }: { readonly limit?: number; readonly arrivedFrom?: Date | undefined },
  ): AsyncGenerator<ReplayRecord> {
    const origin = this.#origin(shardId);
    let iterator = await this.#iterator(shardId, position, arrivedFrom);
    let last: string | undefined;
    for (let records = limit ?? FIRST_PAGE_RECORDS; ;) {
      const page = await this.#page(shardId, iterator, records);
      if (page === undefined) {
        // Iterators live five minutes; one is old when whoever reads was slow for so long.
        iterator = await this.#iterator(
          shardId,
          last === undefined
            ? position
            : { ShardIteratorType: "AFTER_SEQUENCE_NUMBER", StartingSequenceNumber: last },
          arrivedFrom,
        );
        continue;
      }
      const { Records = [], NextShardIterator, MillisBehindLatest } = page;
      for (const record of Records) {
        // What comes in the place of a position that is gone may begin before it.
        if (last !== undefined && BigInt(record.SequenceNumber!) <= BigInt(last)) continue;
        last = record.SequenceNumber!;
        yield replayRecord(kinesisEventRecord(record, origin));
      }
      // An empty page is not the end: only where the shard is closed, or nothing is behind it, there is no more.
      if (NextShardIterator === undefined || (Records.length === 0 && MillisBehindLatest === 0)) return;
      iterator = NextShardIterator;
      if (limit === undefined && Records.length > 0) records = recordsOfPage(Records);
    }
  }

  /** A number that is none of the shard's, or not any more, is looked for from the time on, or from the oldest record. */
  async #iterator(shardId: string, position: Position, arrivedFrom?: Date): Promise<string> {
    const shard = { StreamName: this.#streamName, ShardId: shardId };
    try {
      const command = new GetShardIteratorCommand({ ...shard, ...position });
      return (await this.#kinesis.send(command)).ShardIterator!;
    } catch (error) {
      const isNumber = position.StartingSequenceNumber !== undefined;
      if (!isNumber || !UNKNOWN_NUMBER.has((error as Error).name)) throw error;
      const sinceMs = arrivedFrom && arrivedFrom.getTime() - CLOCKS_MS;
      return this.#iterator(shardId, sinceMs === undefined ? OLDEST : positionAt({ at: new Date(sinceMs) }));
    }
  }

  /** @returns undefined for an iterator that has expired */
  async #page(
    shardId: string,
    iterator: string,
    limit: number,
  ): Promise<GetRecordsCommandOutput | undefined> {
    for (let throttles = 0; ;) {
      const done = await this.#turn(shardId);
      try {
        const command = new GetRecordsCommand({ ShardIterator: iterator, Limit: limit });
        const page = await this.#kinesis.send(command);
        done((page.Records ?? []).reduce((sum, { Data }) => sum + Data!.length, 0));
        return page;
      } catch (error) {
        const { name } = error as Error;
        if (name === "ExpiredIteratorException") return undefined;
        if (!THROTTLED.has(name) || ++throttles > MAX_THROTTLES) throw error;
        await sleep(THROTTLE_WAIT_MS);
      }
    }
  }

  /** Waits until the shard may be read again. @returns to be told how much it gave */
  async #turn(shardId: string): Promise<(bytes: number) => void> {
    let shard = this.#paces.get(shardId);
    if (shard === undefined) {
      this.#paces.set(shardId, (shard = { pace: new Pace(READ_BYTES_PER_SECOND), readAtMs: -Infinity }));
    }
    await shard.pace.ready();
    const waitMs = shard.readAtMs + READ_EVERY_MS - Date.now();
    if (waitMs > 0) await sleep(waitMs);
    shard.readAtMs = Date.now();
    return (bytes) => shard.pace.spend(bytes);
  }

  #origin(shardId: string) {
    const [, , , region = "", account = ""] = this.#streamArn.split(":");
    const invokeIdentityArn = `arn:aws:iam::${account}:root`;
    return { shardId, streamArn: this.#streamArn, region, invokeIdentityArn };
  }
}

/** As many as took the bytes of a page so far. */
function recordsOfPage(records: readonly { readonly Data?: Uint8Array | undefined }[]): number {
  const bytes = records.reduce((sum, { Data }) => sum + Data!.length, 1);
  return Math.min(Math.max(Math.floor((PAGE_BYTES * records.length) / bytes), 1), PAGE_MAX_RECORDS);
}

async function first<T>(items: AsyncIterable<T>): Promise<T | undefined> {
  for await (const item of items) return item;
  return undefined;
}
