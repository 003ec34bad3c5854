import {
  DescribeStreamSummaryCommand,
  type KinesisClient,
  ListShardsCommand,
  type Shard,
} from "@aws-sdk/client-kinesis";
import type { Bound } from "./stream-reader.ts";

/** A shard that the stream still lists: closed ones are, until their records are past retention. */
export interface StreamShard {
  readonly shardId: string;
  readonly parents: readonly string[];
  /** It had no record before this one. */
  readonly first: bigint;
  /** Undefined while it is open, or where nobody knows. */
  readonly last: bigint | undefined;
}

/** What a stream keeps, and for how long. */
export interface StreamSummary {
  readonly retentionMs: number;
  readonly createdAt: Date;
  readonly shards: ReadonlyMap<string, StreamShard>;
}

export async function streamSummary(kinesis: KinesisClient, StreamName: string): Promise<StreamSummary> {
  const { StreamDescriptionSummary } = await kinesis.send(new DescribeStreamSummaryCommand({ StreamName }));
  const { RetentionPeriodHours, StreamCreationTimestamp } = StreamDescriptionSummary!;
  const shards = new Map<string, StreamShard>();
  let NextToken: string | undefined;
  do {
    const command = new ListShardsCommand(NextToken === undefined ? { StreamName } : { NextToken });
    const page = await kinesis.send(command);
    for (const shard of page.Shards ?? []) shards.set(shard.ShardId!, streamShard(shard));
    ({ NextToken } = page);
  } while (NextToken !== undefined);
  return {
    retentionMs: RetentionPeriodHours! * 3_600_000,
    createdAt: StreamCreationTimestamp!,
    shards,
  };
}

/**
 * A shard with all that it came from and all that came of it: what went to its keys before it was made, and after it was
 * closed, is in those. A shard that was merged into it brings its other keys along.
 */
export function family(shards: ReadonlyMap<string, StreamShard>, shardId: string): StreamShard[] {
  const found = new Set<string>();
  const add = (id: string, relatives: (shard: StreamShard) => readonly string[]): void => {
    const shard = shards.get(id);
    if (shard === undefined) return;
    found.add(id);
    for (const relative of relatives(shard)) if (!found.has(relative)) add(relative, relatives);
  };
  const children = Map.groupBy(
    [...shards.values()].flatMap(({ shardId, parents }) => parents.map((parent) => ({ shardId, parent }))),
    ({ parent }) => parent,
  );
  add(shardId, ({ parents }) => parents);
  add(shardId, (shard) => (children.get(shard.shardId) ?? []).map(({ shardId }) => shardId));
  return [...shards.values()].filter(({ shardId }) => found.has(shardId));
}

/** Whether a shard may have records between two bounds, as far as its own sequence numbers tell. */
export function mayHold({ first, last }: StreamShard, from: Bound, to: Bound): boolean {
  if ("sequence" in from && last !== undefined && last < from.sequence) return false;
  return !("sequence" in to) || first <= to.sequence;
}

function streamShard({
  ShardId,
  ParentShardId,
  AdjacentParentShardId,
  SequenceNumberRange,
}: Shard): StreamShard {
  const first = BigInt(SequenceNumberRange!.StartingSequenceNumber!);
  const last = BigInt(SequenceNumberRange!.EndingSequenceNumber ?? -1);
  return {
    shardId: ShardId!,
    parents: [ParentShardId, AdjacentParentShardId].filter((id) => id !== undefined),
    first,
    // kinesis-local says of a closed shard that it ended before it began.
    last: last < first ? undefined : last,
  };
}
