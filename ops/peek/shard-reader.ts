import {
  GetRecordsCommand,
  GetShardIteratorCommand,
  type GetShardIteratorCommandInput,
  type KinesisClient,
  type _Record,
} from "@aws-sdk/client-kinesis";
import { isExpiredIterator, isGone, isThrottled, isTransient } from "./kinesis-errors.ts";
import type { Start } from "../access/start.ts";

/**
 * Of each shard's five GetRecords calls and 2 MiB a second, which all consumers share, the router's mapping needs one
 * call and what the agents write. So peek makes one call a second, and takes half of the bytes where it catches up.
 */
const POLL_MS = 1_000;
const BYTES_PER_MS = 2 ** 20 / 1_000;

/** A reply of 10 MiB keeps all consumers from the shard for five seconds: pages are asked for that are smaller. */
const PAGE_BYTES = 2 ** 20;
const FIRST_PAGE_RECORDS = 16;
const PAGE_MAX_RECORDS = 10_000;

const RETRY_MIN_MS = 2_000;
const RETRY_MAX_MS = 30_000;

/** How far this machine's clock may be ahead of Kinesis'. */
const CLOCK_MARGIN_MS = 60_000;

/** What came of a call. */
export type Reading =
  | { readonly kind: "page"; readonly records: readonly _Record[]; readonly isLast: boolean }
  | { readonly kind: "again" } // a new iterator is needed: the one there was, is too old
  | { readonly kind: "busy" | "unreachable"; readonly isNew: boolean; readonly error: Error }
  | { readonly kind: "gone" }; //   its retention is over

/** Reads one shard, no faster than is polite. Times are of Date.now(). */
export class ShardReader {
  readonly shardId: string;
  /** When the next call may be made. */
  dueAtMs = 0;
  /** Whether all was read that was there at the last call. */
  isCaughtUp = false;
  readonly #kinesis: KinesisClient;
  readonly #shard: { readonly StreamName: string; readonly ShardId: string };
  readonly #start: Start;
  #iterator: string | undefined;
  #lastRead: string | undefined;
  #readAtMs: number | undefined;
  #limit = FIRST_PAGE_RECORDS;
  #retryMs = 0;

  constructor(kinesis: KinesisClient, StreamName: string, shardId: string, start: Start) {
    this.#kinesis = kinesis;
    this.shardId = shardId;
    this.#shard = { StreamName, ShardId: shardId };
    this.#start = start;
  }

  /** Fixes what "latest" means: what is put after it resolves is read. */
  async open(abortSignal: AbortSignal): Promise<Reading | undefined> {
    return this.#attempt(abortSignal, async () => {
      const input = { ...this.#shard, ...this.#position() };
      const { ShardIterator } = await this.#kinesis.send(new GetShardIteratorCommand(input), { abortSignal });
      this.#iterator = ShardIterator;
      this.#readAtMs ??= Date.now();
      return undefined;
    });
  }

  /** @throws whatever another try does not help against */
  async read(abortSignal: AbortSignal): Promise<Reading> {
    if (this.#iterator === undefined) {
      const failed = await this.open(abortSignal);
      if (failed) return failed;
    }
    const reading = await this.#attempt(abortSignal, () => this.#page(abortSignal));
    return reading!;
  }

  async #page(abortSignal: AbortSignal): Promise<Reading> {
    const [startedAtMs, limit] = [Date.now(), this.#limit];
    const command = new GetRecordsCommand({ ShardIterator: this.#iterator, Limit: limit });
    const page = await this.#kinesis.send(command, { abortSignal });
    const { Records: records = [], NextShardIterator, MillisBehindLatest = 0 } = page;
    this.#iterator = NextShardIterator;
    this.#lastRead = records.at(-1)?.SequenceNumber ?? this.#lastRead;
    this.#readAtMs = startedAtMs - MillisBehindLatest;
    const bytes = records.reduce((sum, { Data }) => sum + Data!.length, 0);
    if (bytes > 0)
      this.#limit = clamp(Math.floor((PAGE_BYTES * records.length) / bytes), 1, PAGE_MAX_RECORDS);
    this.dueAtMs = startedAtMs + Math.max(POLL_MS, bytes / BYTES_PER_MS);
    // After a full page, "0 ms behind" may only mean that the rest came in the same millisecond.
    this.isCaughtUp = MillisBehindLatest === 0 && records.length < limit;
    this.#retryMs = 0;
    return { kind: "page", records, isLast: NextShardIterator === undefined };
  }

  async #attempt(
    signal: AbortSignal,
    call: () => Promise<Reading | undefined>,
  ): Promise<Reading | undefined> {
    try {
      return await call();
    } catch (error) {
      if (signal.aborted || !(error instanceof Error)) throw error;
      if (isGone(error)) return { kind: "gone" };
      if (isExpiredIterator(error)) {
        this.#iterator = undefined;
        this.dueAtMs = Date.now() + POLL_MS;
        return { kind: "again" };
      }
      const kind = isThrottled(error) ? "busy" : "unreachable";
      if (kind === "unreachable" && !isTransient(error)) throw error;
      const isNew = this.#retryMs === 0;
      this.#retryMs = clamp(this.#retryMs * 2, RETRY_MIN_MS, RETRY_MAX_MS);
      // Many shards that were refused together do not come back together.
      this.dueAtMs = Date.now() + this.#retryMs * (1 + Math.random() / 2);
      return { kind, isNew, error };
    }
  }

  #position(): Omit<GetShardIteratorCommandInput, "StreamName" | "ShardId"> {
    if (this.#lastRead !== undefined)
      return { ShardIteratorType: "AFTER_SEQUENCE_NUMBER", StartingSequenceNumber: this.#lastRead };
    if (this.#start instanceof Date) return { ShardIteratorType: "AT_TIMESTAMP", Timestamp: this.#start };
    // "Latest" again would leave out what came since the first iterator.
    return this.#start === "LATEST" && this.#readAtMs !== undefined
      ? { ShardIteratorType: "AT_TIMESTAMP", Timestamp: new Date(this.#readAtMs - CLOCK_MARGIN_MS) }
      : { ShardIteratorType: this.#start };
  }
}

const clamp = (value: number, min: number, max: number): number => Math.min(Math.max(value, min), max);
