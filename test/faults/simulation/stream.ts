import {
  GetRecordsCommand,
  GetShardIteratorCommand,
  type KinesisClient,
  ListShardsCommand,
} from "@aws-sdk/client-kinesis";
import type { AgentClient } from "../../../agent/kinesis/kinesis-client.ts";
import { SHARD_WRITE_BYTES_PER_SECOND } from "../../../wire/limits.ts";
import { type StreamRecord, toStreamRecord } from "../../../local/mapping/stream-record.ts";
import type { Chance } from "./chance.ts";
import type { VirtualTime } from "./virtual-time.ts";

const KEYS = 2n ** 128n;
export const STREAM_ARN = "arn:aws:kinesis:us-east-1:000000000000:stream/logs";
const SEQUENCE_DIGITS = 20;

export interface Entry {
  readonly partitionKey: string;
  readonly explicitHashKey: string;
  readonly data: Buffer;
}

/** A record that the stream has taken. */
export interface TakenRecord extends Entry {
  readonly shardId: string;
  readonly sequenceNumber: string;
  readonly arrivedAtMs: number;
  /** As an event source mapping reads it. */
  readonly record: StreamRecord;
}

export interface StreamShard {
  readonly shardId: string;
  readonly parents: readonly string[];
  readonly first: bigint;
  readonly last: bigint;
  isClosed: boolean;
  readonly records: TakenRecord[];
}

/** What Kinesis says of one entry of a request. */
type EntryAnswer =
  | { readonly ShardId: string; readonly SequenceNumber: string }
  | { readonly ErrorCode: string; readonly ErrorMessage: string };

/** A stream whose shards are split and merged, with the limits, partial failures and lost answers of the real one. */
export class Stream {
  readonly shards: StreamShard[] = [];
  /** Nothing is taken at all. */
  isDown = false;
  readonly #time: VirtualTime;
  readonly #chance: Chance;
  /** Told of each record that was taken. */
  readonly #onTaken: (record: TakenRecord) => void;
  #sequence = 0;

  constructor(time: VirtualTime, chance: Chance, shardCount: number, onTaken: (record: TakenRecord) => void) {
    this.#time = time;
    this.#chance = chance;
    this.#onTaken = onTaken;
    const count = BigInt(shardCount);
    for (let i = 0n; i < count; i++) this.#add([], (KEYS * i) / count, (KEYS * (i + 1n)) / count - 1n);
  }

  get open(): StreamShard[] {
    return this.shards.filter(({ isClosed }) => !isClosed);
  }

  split(shard: StreamShard): void {
    shard.isClosed = true;
    const middle = (shard.first + shard.last) / 2n;
    this.#add([shard.shardId], shard.first, middle);
    this.#add([shard.shardId], middle + 1n, shard.last);
  }

  /** Merges a shard with the one after it, if there is one. @returns whether there was */
  merge(shard: StreamShard): boolean {
    const next = this.open.find(({ first }) => first === shard.last + 1n);
    if (next === undefined) return false;
    shard.isClosed = next.isClosed = true;
    this.#add([shard.shardId, next.shardId], shard.first, next.last);
    return true;
  }

  #add(parents: readonly string[], first: bigint, last: bigint): void {
    const shardId = `shardId-${`${this.shards.length}`.padStart(12, "0")}`;
    this.shards.push({ shardId, parents, first, last, isClosed: false, records: [] });
  }

  /** Takes a record. @returns undefined where its shard is over its limit */
  take(entry: Entry): TakenRecord {
    const key = BigInt(entry.explicitHashKey);
    const shard = this.open.find(({ first, last }) => key >= first && key <= last)!;
    const sequenceNumber = `49600${`${++this.#sequence}`.padStart(SEQUENCE_DIGITS, "0")}`;
    const arrivedAtMs = this.#time.nowMs;
    const { shardId } = shard;
    const record = toStreamRecord(
      {
        SequenceNumber: sequenceNumber,
        ApproximateArrivalTimestamp: new Date(arrivedAtMs),
        Data: entry.data,
        PartitionKey: entry.partitionKey,
      },
      {
        shardId,
        streamArn: STREAM_ARN,
        region: "us-east-1",
        invokeIdentityArn: "arn:aws:iam::0:role/mapping",
      },
    );
    const taken = { ...entry, shardId, sequenceNumber, arrivedAtMs, record };
    shard.records.push(taken);
    this.#onTaken(taken);
    return taken;
  }

  /** A client as one agent has it. @param name for the trace */
  client(name: string, onAnswer: (answered: readonly TakenRecord[]) => void): AgentClient {
    const send = async (
      command: object,
      { abortSignal }: { abortSignal?: AbortSignal } = {},
    ): Promise<unknown> => {
      await this.#time.sleep(this.#chance.random.int(5, 60), abortSignal);
      if (command instanceof ListShardsCommand) return { Shards: this.open.map(listed) };
      return { StreamDescriptionSummary: { StreamStatus: "ACTIVE", MaxRecordSizeInKiB: 1_024 } };
    };
    const putRecords = async (_contentType: string, body: Buffer, signal: AbortSignal): Promise<unknown> => {
      const entries = entriesOf(body);
      await this.#time.sleep(this.#chance.random.int(5, 60), signal);
      return this.#put(entries, name, onAnswer, signal);
    };
    return { send, putRecords, destroy: () => {} } as unknown as AgentClient;
  }

  /** A client of whoever reads it. */
  get reader(): KinesisClient {
    return { send: async (command: object) => this.#read(command) } as unknown as KinesisClient;
  }

  #read(command: object): object {
    if (command instanceof GetShardIteratorCommand) {
      const { ShardId, ShardIteratorType, StartingSequenceNumber: from = "0", Timestamp } = command.input;
      const { records } = this.shards.find(({ shardId }) => shardId === ShardId)!;
      const isBefore = ({ sequenceNumber, arrivedAtMs }: TakenRecord): boolean =>
        ShardIteratorType === "AT_TIMESTAMP"
          ? arrivedAtMs < Timestamp!.getTime()
          : BigInt(sequenceNumber) < BigInt(from) + (ShardIteratorType === "AFTER_SEQUENCE_NUMBER" ? 1n : 0n);
      return { ShardIterator: `${ShardId} ${records.filter(isBefore).length}` };
    }
    if (command instanceof GetRecordsCommand) {
      const [ShardId, at] = command.input.ShardIterator!.split(" ");
      const { records, isClosed } = this.shards.find(({ shardId }) => shardId === ShardId)!;
      const Records = records.slice(Number(at)).map((record) => ({
        SequenceNumber: record.sequenceNumber,
        ApproximateArrivalTimestamp: new Date(record.arrivedAtMs),
        Data: record.data,
        PartitionKey: record.partitionKey,
      }));
      const next = isClosed ? {} : { NextShardIterator: `${ShardId} ${records.length}` };
      return { Records, MillisBehindLatest: 0, ...next };
    }
    if (command instanceof ListShardsCommand) {
      return {
        Shards: this.shards.map((shard) => {
          const [ParentShardId, AdjacentParentShardId] = shard.parents;
          const last = shard.records.at(-1)?.sequenceNumber ?? "49600";
          const end = shard.isClosed && { EndingSequenceNumber: last };
          const SequenceNumberRange = { StartingSequenceNumber: "49600", ...end };
          return { ...listed(shard), ParentShardId, AdjacentParentShardId, SequenceNumberRange };
        }),
      };
    }
    const StreamCreationTimestamp = new Date(0);
    return { StreamDescriptionSummary: { RetentionPeriodHours: 168, StreamCreationTimestamp } };
  }

  async #put(
    entries: readonly Entry[],
    name: string,
    onAnswer: (answered: readonly TakenRecord[]) => void,
    signal: AbortSignal,
  ): Promise<{ Records: EntryAnswer[] }> {
    if (this.isDown || this.#chance.hits("put-refused", name)) throw connectionError("ECONNREFUSED");
    const isHot = this.#chance.hits("put-throttled", name);
    const answered: TakenRecord[] = [];
    const Records = entries.map((entry): EntryAnswer => {
      if (isHot && this.#chance.random.chance(0.5)) return OVER_LIMIT;
      if (this.#chance.hits("put-partly-failed", name)) return INTERNAL_FAILURE;
      const taken = this.take(entry);
      answered.push(taken);
      return { ShardId: taken.shardId, SequenceNumber: taken.sequenceNumber };
    });
    const isLost = this.#chance.hits("put-answer-lost", name);
    await this.#time.sleep(this.#chance.random.int(5, 60) + (isLost ? 30_000 : 0), signal);
    if (isLost) throw connectionError("ECONNRESET");
    onAnswer(answered);
    return { Records };
  }
}

const OVER_LIMIT = {
  ErrorCode: "ProvisionedThroughputExceededException",
  ErrorMessage: `over ${SHARD_WRITE_BYTES_PER_SECOND} bytes/s`,
} as const;
const INTERNAL_FAILURE = { ErrorCode: "InternalFailure", ErrorMessage: "Internal service failure." } as const;

const connectionError = (code: string): Error => Object.assign(new Error(`read ${code}`), { code });

const listed = ({ shardId, first, last }: StreamShard): object => ({
  ShardId: shardId,
  HashKeyRange: { StartingHashKey: `${first}`, EndingHashKey: `${last}` },
});

function entriesOf(body: Buffer): Entry[] {
  const { Records } = JSON.parse(body.toString()) as { Records: Record<string, string>[] };
  return Records.map(({ PartitionKey, ExplicitHashKey, Data }) => ({
    partitionKey: PartitionKey!,
    explicitHashKey: ExplicitHashKey!,
    data: Buffer.from(Data!, "base64"),
  }));
}
