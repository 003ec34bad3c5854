import {
  type KinesisClient,
  ListShardsCommand,
  type ListShardsCommandInput,
  type Shard,
} from "@aws-sdk/client-kinesis";
import { middleHashKey } from "../../wire/hash-key.ts";

export interface ChosenShard {
  readonly shardId: string;
  /** Owned by the shard, and by one of its children after a split. */
  readonly explicitHashKey: string;
}

/** The open shards of a stream, and how much is on its way to each. */
export class ShardMap {
  readonly #client: KinesisClient;
  readonly #stream: string;
  #shards: readonly ChosenShard[] = [];
  #inFlight = new Map<string, number>();
  #turn = 0;
  #refreshing: Promise<void> | undefined;

  constructor(client: KinesisClient, stream: string) {
    this.#client = client;
    this.#stream = stream;
  }

  /** Lists the shards anew. Calls while one is under way share its answer. */
  refresh(signal: AbortSignal): Promise<void> {
    this.#refreshing ??= this.#list(signal).finally(() => (this.#refreshing = undefined));
    return this.#refreshing;
  }

  async #list(signal: AbortSignal): Promise<void> {
    const shards: ChosenShard[] = [];
    let token: string | undefined;
    do {
      // A page is asked for by the stream or by a token, never by both.
      const page: ListShardsCommandInput =
        token === undefined
          ? { StreamName: this.#stream, ShardFilter: { Type: "AT_LATEST" } }
          : { NextToken: token };
      const { Shards = [], NextToken } = await this.#client.send(new ListShardsCommand(page), {
        abortSignal: signal,
      });
      shards.push(...Shards.filter(isOpen).map(chosen));
      token = NextToken;
    } while (token !== undefined);
    if (shards.length === 0) throw new Error(`stream ${this.#stream} has no open shard`);
    this.#shards = shards;
  }

  /** Open shards; 0 until they are listed. */
  get count(): number {
    return this.#shards.length;
  }

  has(shardId: string): boolean {
    return this.#shards.some((shard) => shard.shardId === shardId);
  }

  /**
   * The shard with the fewest records on their way, in turn among equals: one that is throttled keeps
   * its records for longer, and so is given fewer. It counts as one more until `arrived`.
   */
  choose(): ChosenShard {
    const count = this.#shards.length;
    let best: ChosenShard | undefined;
    let least = Infinity;
    for (let i = 0; i < count; i++) {
      const shard = this.#shards[(this.#turn + i) % count]!;
      const load = this.#inFlight.get(shard.shardId) ?? 0;
      if (load < least) [best, least] = [shard, load];
    }
    if (best === undefined) throw new Error("the shards are not listed yet");
    this.#turn = (this.#turn + 1) % count;
    this.#inFlight.set(best.shardId, least + 1);
    return best;
  }

  /** A record that was meant for this shard is acknowledged, wherever it landed. */
  arrived(shardId: string): void {
    const left = (this.#inFlight.get(shardId) ?? 0) - 1;
    if (left > 0) this.#inFlight.set(shardId, left);
    else this.#inFlight.delete(shardId);
  }
}

function isOpen(shard: Shard): boolean {
  return shard.SequenceNumberRange?.EndingSequenceNumber === undefined;
}

function chosen({ ShardId, HashKeyRange }: Shard): ChosenShard {
  const range = {
    startingHashKey: HashKeyRange!.StartingHashKey!,
    endingHashKey: HashKeyRange!.EndingHashKey!,
  };
  return { shardId: ShardId!, explicitHashKey: middleHashKey(range) };
}
