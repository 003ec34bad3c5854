import {
  type KinesisClient,
  ListShardsCommand,
  type ListShardsCommandInput,
  type Shard as ListedShard,
} from "@aws-sdk/client-kinesis";
import { orAborted } from "./or-aborted.ts";
import { Shard } from "./shard.ts";

export interface ShardMapOptions {
  readonly client: Pick<KinesisClient, "send">;
  readonly stream: string;
  /** Of what the service lets each shard take: 1 is all of it. */
  readonly rateLimit: number;
  readonly now: () => number;
}

/** The open shards of a stream. What waits for a shard that closes is handed to those that follow it. */
export class ShardMap {
  readonly #options: ShardMapOptions;
  #shards: readonly Shard[] = [];
  #turn = 0;
  #refreshing: Promise<void> | undefined;

  constructor(options: ShardMapOptions) {
    this.#options = options;
  }

  get shards(): readonly Shard[] {
    return this.#shards;
  }

  /** Open shards; 0 until they are listed. */
  get count(): number {
    return this.#shards.length;
  }

  has(shard: Shard): boolean {
    return this.#shards.includes(shard);
  }

  /**
   * The shard that a record of this explicit hash key goes to, as far as is known. Where a list was made
   * in the middle of a split or a merge, any shard will do to wait for: Kinesis goes by the key.
   */
  owner(explicitHashKey: string): Shard {
    const key = BigInt(explicitHashKey);
    return this.#shards.find((shard) => shard.owns(key)) ?? this.#shards[0]!;
  }

  /**
   * The shard that one more record reaches soonest, in turn among equals.
   *
   * @param bytes of that record; several may be chosen for before the first of them is put into the outbox
   */
  choose(bytes: number): Shard {
    const now = this.#options.now();
    const count = this.#shards.length;
    let best: Shard | undefined;
    let least = Infinity;
    for (let i = 0; i < count; i++) {
      const shard = this.#shards[(this.#turn + i) % count]!;
      const delay = shard.delayMs(now);
      if (delay < least) [best, least] = [shard, delay];
    }
    if (best === undefined) throw new Error("the shards are not listed yet");
    this.#turn = (this.#turn + 1) % count;
    best.promisedBytes += bytes;
    return best;
  }

  /** Lists the shards anew. Calls while one is under way share its answer. */
  refresh(signal: AbortSignal): Promise<void> {
    this.#refreshing ??= this.#refresh(signal).finally(() => (this.#refreshing = undefined));
    return this.#refreshing;
  }

  async #refresh(signal: AbortSignal): Promise<void> {
    const listed = await this.#list(signal);
    const { stream, rateLimit, now } = this.#options;
    if (listed.length === 0) throw new Error(`stream ${stream} has no open shard`);
    const before = this.#shards;
    this.#shards = listed.map(({ ShardId, HashKeyRange }) => {
      const range = {
        startingHashKey: HashKeyRange!.StartingHashKey!,
        endingHashKey: HashKeyRange!.EndingHashKey!,
      };
      const known = before.find((shard) => shard.shardId === ShardId && shard.spans(range));
      return known ?? new Shard(ShardId!, range, rateLimit, now());
    });
    for (const closed of before) if (!this.has(closed)) this.#handOver(closed);
  }

  async #list(signal: AbortSignal): Promise<ListedShard[]> {
    const open: ListedShard[] = [];
    let token: string | undefined;
    do {
      // A page is asked for by the stream or by a token, never by both.
      const page: ListShardsCommandInput =
        token === undefined
          ? { StreamName: this.#options.stream, ShardFilter: { Type: "AT_LATEST" } }
          : { NextToken: token };
      const answer = this.#options.client.send(new ListShardsCommand(page), { abortSignal: signal });
      const { Shards = [], NextToken } = await orAborted(answer, signal);
      open.push(...Shards.filter((shard) => shard.SequenceNumberRange?.EndingSequenceNumber === undefined));
      token = NextToken;
    } while (token !== undefined);
    return open;
  }

  #handOver(closed: Shard): void {
    for (const record of closed.waiting) {
      const next = this.owner(record.explicitHashKey);
      next.waiting.push(record);
      next.queuedBytes += record.data.length;
      closed.queuedBytes -= record.data.length;
    }
    closed.waiting = [];
  }
}
