import { setTimeout as sleep } from "node:timers/promises";
import { ListShardsCommand, type KinesisClient, type Shard, type _Record } from "@aws-sdk/client-kinesis";
import { isThrottled, isTransient } from "./kinesis-errors.ts";
import { ShardReader, type Reading } from "./shard-reader.ts";
import { ShardTree } from "./shard-tree.ts";
import type { Start } from "../access/start.ts";

/** Calls that are under way at a time, each of which may bring 10 MiB. */
const CONCURRENT_CALLS = 8;

/** Re-shards are noticed by shards that end; this is for a listing that was not up to date. */
const LIST_EVERY_MS = 60_000;
const LIST_AGAIN_MS = 1_000;

export interface FollowOptions {
  readonly kinesis: KinesisClient;
  readonly stream: string;
  readonly start: Start;
  /** Ends with what is there, in the place of waiting for more. */
  readonly untilNow?: boolean;
  readonly signal: AbortSignal;
  /** Told once the place is fixed in every shard where reading begins. */
  readonly onFollowing: (shards: number) => void;
  /** For people: what keeps reading waiting. */
  readonly onNotice: (text: string) => void;
}

export interface ShardPage {
  readonly shardId: string;
  readonly records: readonly _Record[];
}

/**
 * Pages of all shards of a stream as they come, those of one shard in order, through re-shards. Nothing more is read while
 * the pages that were read wait to be taken.
 */
export async function* followStream(options: FollowOptions): AsyncGenerator<ShardPage> {
  const follower = new Follower(options);
  await follower.open();
  yield* follower.pages();
}

class Follower {
  readonly #options: FollowOptions;
  readonly #tree = new ShardTree();
  readonly #readers = new Set<ShardReader>();
  readonly #calls = new Map<ShardReader, Promise<readonly [ShardReader, Reading]>>();
  #listAtMs = 0;

  constructor(options: FollowOptions) {
    this.#options = options;
  }

  async open(): Promise<void> {
    const { start, signal, onFollowing } = this.#options;
    while (!(await this.#list(start === "LATEST"))) await sleep(LIST_AGAIN_MS, undefined, { signal });
    this.#begin(start);
    const readers = [...this.#readers];
    for (let i = 0; i < readers.length; i += CONCURRENT_CALLS) {
      const some = readers.slice(i, i + CONCURRENT_CALLS);
      await Promise.all(
        some.map(async (reader) => {
          const failed = await reader.open(signal);
          if (failed) this.#take(reader, failed);
        }),
      );
    }
    onFollowing(readers.length);
  }

  async *pages(): AsyncGenerator<ShardPage> {
    const { start, signal, untilNow } = this.#options;
    // A child has nothing from before its parent's end.
    const childStart = start === "LATEST" ? "TRIM_HORIZON" : start;
    while (!signal.aborted) {
      if (Date.now() >= this.#listAtMs) await this.#list();
      this.#begin(childStart);
      if (untilNow && this.#hasAll()) return;
      this.#call();
      const done = await this.#next();
      const page = done && this.#take(...done);
      if (page) yield page;
    }
  }

  /** Begins the calls that are due, the longest due first. */
  #call(): void {
    const idle = [...this.#readers].filter(
      (reader) => !this.#calls.has(reader) && reader.dueAtMs <= Date.now(),
    );
    idle.sort((a, b) => a.dueAtMs - b.dueAtMs);
    for (const reader of idle.slice(0, CONCURRENT_CALLS - this.#calls.size)) {
      const call = reader.read(this.#options.signal).then((reading) => [reader, reading] as const);
      // It may fail while a page is being looked at, and is awaited only after that.
      call.catch(() => {});
      this.#calls.set(reader, call);
    }
  }

  /** The call that ends first; undefined where another one, or a listing, is due before. */
  async #next(): Promise<readonly [ShardReader, Reading] | undefined> {
    const waiting = [...this.#readers].filter((reader) => !this.#calls.has(reader));
    const hasRoom = this.#calls.size < CONCURRENT_CALLS;
    const due = Math.min(this.#listAtMs, ...(hasRoom ? waiting.map(({ dueAtMs }) => dueAtMs) : []));
    const timer = new AbortController();
    const signal = AbortSignal.any([timer.signal, this.#options.signal]);
    try {
      const elapsed = sleep(Math.max(due - Date.now(), 0), undefined, { signal }).catch(() => undefined);
      return await Promise.race([...this.#calls.values(), elapsed]);
    } finally {
      timer.abort();
    }
  }

  /** @returns the records that a call brought, if it did */
  #take(reader: ShardReader, reading: Reading): ShardPage | undefined {
    const { shardId } = reader;
    this.#calls.delete(reader);
    if (reading.kind === "gone" || (reading.kind === "page" && reading.isLast)) this.#end(reader);
    if ((reading.kind === "busy" || reading.kind === "unreachable") && reading.isNew)
      this.#options.onNotice(noticeOf(shardId, reading));
    const hasRecords = reading.kind === "page" && reading.records.length > 0;
    return hasRecords ? { shardId, records: reading.records } : undefined;
  }

  #end(reader: ShardReader): void {
    this.#readers.delete(reader);
    this.#tree.ended(reader.shardId);
    if (this.#tree.hasUnknownChildren) this.#listAtMs = 0;
  }

  #begin(start: Start): void {
    const { kinesis, stream } = this.#options;
    for (const shardId of this.#tree.begin())
      this.#readers.add(new ShardReader(kinesis, stream, shardId, start));
  }

  #hasAll(): boolean {
    return !this.#tree.hasUnknownChildren && [...this.#readers].every(({ isCaughtUp }) => isCaughtUp);
  }

  /** @returns false where it is to be tried again */
  async #list(isFirst = false): Promise<boolean> {
    try {
      this.#tree.listed(await this.#shards(), isFirst);
      this.#listAtMs = Date.now() + (this.#tree.hasUnknownChildren ? LIST_AGAIN_MS : LIST_EVERY_MS);
      return true;
    } catch (error) {
      const { signal, onNotice } = this.#options;
      const isHopeless = !(error instanceof Error) || !(isThrottled(error) || isTransient(error));
      if (signal.aborted || isHopeless) throw error;
      onNotice(`the shards cannot be listed: ${error.message || error.name}; trying again`);
      this.#listAtMs = Date.now() + LIST_AGAIN_MS;
      return false;
    }
  }

  async #shards(): Promise<Shard[]> {
    const { kinesis, stream, signal } = this.#options;
    const shards: Shard[] = [];
    for (let NextToken: string | undefined, isMore = true; isMore; isMore = NextToken !== undefined) {
      const input = NextToken === undefined ? { StreamName: stream } : { NextToken };
      const reply = await kinesis.send(new ListShardsCommand(input), { abortSignal: signal });
      shards.push(...(reply.Shards ?? []));
      NextToken = reply.NextToken;
    }
    return shards;
  }
}

function noticeOf(
  shardId: string,
  { kind, error }: Extract<Reading, { kind: "busy" | "unreachable" }>,
): string {
  return kind === "busy"
    ? `${shardId}: its readers ask too much of it, so peek waits (${error.name})`
    : `${shardId}: ${error.message || error.name}; trying again`;
}
