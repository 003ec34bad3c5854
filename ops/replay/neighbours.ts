import type { Interval } from "./committed-records.ts";
import type { Stretch } from "./stretch.ts";

/** Batches of one shard that were given up shortly after one another. */
export interface Neighbours {
  readonly shardId: string;
  /** From the first record of the first to the last record of the last. */
  readonly interval: Interval;
  readonly arrivedFrom: Date;
  readonly stretches: readonly Stretch[];
}

/** To read what lies between two of them takes no longer than to hand over two batches. */
const MAX_APART_MS = 10_000;

/** Fewer are handed over one by one. */
const MIN_STRETCHES = 8;

/**
 * Finds batches that are better read from the stream together. A mapping halves a batch that fails until each record
 * stands alone, so an outage leaves as many objects as records; one by one they would make as many commits. What lies
 * next to each other only the stream knows: an object does not tell what comes after it.
 *
 * @param stretches of one shard, in order
 * @param maxRecords of an invocation: batches that fill a good part of one are as well on their own
 * @param readableFrom records that arrived before are, or may be, in the stream no more
 */
export function neighbours(
  stretches: readonly Stretch[],
  maxRecords: number,
  readableFrom: Date,
): Neighbours[] {
  const small = stretches.filter(
    ({ failure }) => failure && failure.records * 4 <= maxRecords && failure.arrivedFrom >= readableFrom,
  );
  const groups: Stretch[][] = [];
  let lastAt = new Date(0);
  for (const stretch of small) {
    const { arrivedFrom, arrivedTo } = stretch.failure!;
    const isNear = arrivedFrom.getTime() - lastAt.getTime() <= MAX_APART_MS;
    if (isNear && groups.length > 0) groups.at(-1)!.push(stretch);
    else groups.push([stretch]);
    lastAt = arrivedTo;
  }
  return groups.filter((group) => group.length >= MIN_STRETCHES).map(joined);
}

function joined(stretches: readonly Stretch[]): Neighbours {
  const lasts = stretches.map(({ failure }) => BigInt(failure!.lastSequenceNumber));
  return {
    shardId: stretches[0]!.shardId,
    interval: {
      first: BigInt(stretches[0]!.failure!.firstSequenceNumber),
      last: lasts.reduce((a, b) => (a > b ? a : b)),
    },
    arrivedFrom: stretches[0]!.failure!.arrivedFrom,
    stretches,
  };
}
