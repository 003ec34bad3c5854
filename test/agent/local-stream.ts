import {
  CreateStreamCommand,
  DeleteStreamCommand,
  GetRecordsCommand,
  GetShardIteratorCommand,
  KinesisClient,
  ListShardsCommand,
  MergeShardsCommand,
  type Shard,
  SplitShardCommand,
} from "@aws-sdk/client-kinesis";
import { NodeHttpHandler } from "@smithy/node-http-handler";
import { CREDENTIALS } from "../../local/credentials.ts";
import { type HashKeyRange, middleHashKey, owns } from "../../wire/hash-key.ts";
import type { StoredRecord } from "./fault-kinesis.ts";

/** More would leave too little for each. */
const MAX_SHARDS = 8;

/** A stream in a kinesis-local, which several may share. */
export class LocalStream implements AsyncDisposable {
  readonly endpoint: string;
  readonly name: string;
  readonly #isOurs: boolean;
  readonly #client: KinesisClient;
  #shards: readonly Shard[] = [];

  /** @param shards of a stream to be created, for as long as this lives; without it, there is one */
  static async open(endpoint: string, name: string, shards?: number): Promise<LocalStream> {
    const stream = new LocalStream(endpoint, name, shards !== undefined);
    if (shards !== undefined) {
      await stream.#client.send(new CreateStreamCommand({ StreamName: name, ShardCount: shards }));
    }
    await stream.#list();
    return stream;
  }

  private constructor(endpoint: string, name: string, isOurs: boolean) {
    this.endpoint = endpoint;
    this.name = name;
    this.#isOurs = isOurs;
    this.#client = new KinesisClient({
      endpoint,
      region: "us-east-1",
      credentials: CREDENTIALS,
      requestHandler: new NodeHttpHandler(),
    });
  }

  /** The shard that a record gets to. */
  owner(explicitHashKey: string): string {
    return this.#open.find((shard) => owns(rangeOf(shard), explicitHashKey))!.ShardId!;
  }

  range(shardId: string): HashKeyRange {
    return rangeOf(this.#shards.find((shard) => shard.ShardId === shardId)!);
  }

  /** Splits a shard or merges two, as the numbers in [0, 1) decide. Nothing while that is still under way. */
  async reshard(random: () => number): Promise<void> {
    const open = this.#open;
    const [at, isMerge] = [Math.floor(random() * open.length), random() < 0.5];
    const next = open[at + 1];
    try {
      if (isMerge && next) await this.#merge(open[at]!, next);
      else if (open.length < MAX_SHARDS) await this.#split(open[at]!);
    } catch (error) {
      if ((error as Error).name !== "ResourceInUseException") throw error;
    }
    await this.#list();
  }

  /** Of every shard, those that others follow before them. */
  async records(): Promise<StoredRecord[]> {
    await this.#list();
    const records: StoredRecord[] = [];
    for (const { ShardId } of this.#shards) {
      const start = { StreamName: this.name, ShardId, ShardIteratorType: "TRIM_HORIZON" } as const;
      let { ShardIterator } = await this.#client.send(new GetShardIteratorCommand(start));
      for (let behindMs: number | undefined = 1; behindMs !== 0 && ShardIterator !== undefined;) {
        const page = await this.#client.send(new GetRecordsCommand({ ShardIterator }));
        for (const { Data, PartitionKey } of page.Records ?? []) {
          records.push({ shardId: ShardId!, partitionKey: PartitionKey!, data: Buffer.from(Data!) });
        }
        ShardIterator = page.NextShardIterator;
        behindMs = page.MillisBehindLatest;
      }
    }
    return records;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // One that is still being resharded stays, and ends with its server.
    if (this.#isOurs) {
      await this.#client.send(new DeleteStreamCommand({ StreamName: this.name })).catch(() => {});
    }
    this.#client.destroy();
  }

  /** In the order of their hash keys. */
  get #open(): Shard[] {
    const start = (shard: Shard) => BigInt(rangeOf(shard).startingHashKey);
    return this.#shards
      .filter(({ SequenceNumberRange }) => SequenceNumberRange?.EndingSequenceNumber === undefined)
      .sort((a, b) => (start(a) < start(b) ? -1 : 1));
  }

  async #list(): Promise<void> {
    const { Shards = [] } = await this.#client.send(new ListShardsCommand({ StreamName: this.name }));
    this.#shards = Shards;
  }

  async #split(shard: Shard): Promise<void> {
    const NewStartingHashKey = middleHashKey(rangeOf(shard));
    const split = { StreamName: this.name, ShardToSplit: shard.ShardId, NewStartingHashKey };
    await this.#client.send(new SplitShardCommand(split));
  }

  async #merge(shard: Shard, next: Shard): Promise<void> {
    const merge = {
      StreamName: this.name,
      ShardToMerge: shard.ShardId,
      AdjacentShardToMerge: next.ShardId,
    };
    await this.#client.send(new MergeShardsCommand(merge));
  }
}

function rangeOf({ HashKeyRange: range }: Shard): HashKeyRange {
  return { startingHashKey: range!.StartingHashKey!, endingHashKey: range!.EndingHashKey! };
}
