import type { Place } from "../access/place.ts";
import { CommitWatch } from "../replay/commit-watch.ts";
import { StreamReader } from "../replay/stream-reader.ts";
import type { StreamSummary } from "../replay/stream-shards.ts";

/** A shard, and the oldest of its records that comes after all that is committed of it. */
export interface WaitingShard {
  readonly shardId: string;
  readonly sequenceNumber: string;
  readonly arrivedAt: Date;
}

/** By whichever clock. */
const CLOCKS_MS = 20 * 60_000;

/** Shards at a time. */
const CONCURRENCY = 8;

/**
 * What the mapping has not brought yet, the oldest of each shard. Batches that it gave up are behind it: they are in the
 * failure bucket.
 */
export async function waitingShards(
  place: Place,
  streamArn: string,
  { shards, retentionMs }: StreamSummary,
  now: Date,
): Promise<WaitingShard[]> {
  const since = new Date(now.getTime() - retentionMs - CLOCKS_MS);
  const { records } = await CommitWatch.open(place, new Set(shards.keys()), since);
  const reader = new StreamReader(place.kinesis, streamArn);
  const left = shards.keys();
  const waiting: WaitingShard[] = [];
  const work = async (): Promise<void> => {
    for (const shardId of left) {
      const next = await reader.next(shardId, records.ends(shardId)?.last);
      if (next === undefined) continue;
      const { sequenceNumber } = next.entry.kinesis;
      waiting.push({ shardId, sequenceNumber, arrivedAt: next.arrivedAt });
    }
  };
  await Promise.all(Array.from({ length: CONCURRENCY }, work));
  return waiting.sort((a, b) => a.arrivedAt.getTime() - b.arrivedAt.getTime());
}
