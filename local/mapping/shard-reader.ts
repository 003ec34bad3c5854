import {
  ExpiredIteratorException,
  GetRecordsCommand,
  GetShardIteratorCommand,
  type GetRecordsCommandOutput,
  type GetShardIteratorCommandInput,
  type KinesisClient,
} from "@aws-sdk/client-kinesis";
import type { MappingSettings } from "./settings.ts";

/** Where a shard is read from when nothing of it was read yet. */
export type StartingPosition = MappingSettings["startingPosition"];

/**
 * Reads one shard from its starting position on, through iterators that expire and pages that are
 * empty.
 */
export class ShardReader {
  readonly #kinesis: KinesisClient;
  readonly #shard: { readonly StreamName: string; readonly ShardId: string };
  readonly #startingPosition: StartingPosition;
  #iterator: string | undefined;
  #openedAt: Date | undefined;
  #lastRead: string | undefined;

  constructor(kinesis: KinesisClient, streamName: string, shardId: string, position: StartingPosition) {
    this.#kinesis = kinesis;
    this.#shard = { StreamName: streamName, ShardId: shardId };
    this.#startingPosition = position;
  }

  /** Fixes what "latest" means: records put after it resolves are read. */
  async open(signal: AbortSignal): Promise<void> {
    const input = { ...this.#shard, ...this.#position() };
    this.#openedAt ??= new Date();
    const reply = await this.#kinesis.send(new GetShardIteratorCommand(input), { abortSignal: signal });
    this.#iterator = reply.ShardIterator;
  }

  /** The next page, maybe empty; without a NextShardIterator it is the last. */
  async read(signal: AbortSignal): Promise<GetRecordsCommandOutput> {
    if (this.#iterator === undefined) await this.open(signal);
    try {
      const command = new GetRecordsCommand({ ShardIterator: this.#iterator });
      const page = await this.#kinesis.send(command, { abortSignal: signal });
      this.#iterator = page.NextShardIterator;
      this.#lastRead = page.Records?.at(-1)?.SequenceNumber ?? this.#lastRead;
      return page;
    } catch (error) {
      // Iterators live five minutes; one is old when the function was slow for so long.
      if (!(error instanceof ExpiredIteratorException)) throw error;
      this.#iterator = undefined;
      return this.read(signal);
    }
  }

  #position(): Omit<GetShardIteratorCommandInput, "StreamName" | "ShardId"> {
    if (this.#lastRead !== undefined) {
      return { ShardIteratorType: "AFTER_SEQUENCE_NUMBER", StartingSequenceNumber: this.#lastRead };
    }
    // "Latest" again would skip what came since the first iterator.
    return this.#startingPosition === "LATEST" && this.#openedAt
      ? { ShardIteratorType: "AT_TIMESTAMP", Timestamp: this.#openedAt }
      : { ShardIteratorType: this.#startingPosition };
  }
}
