/** Sequence numbers of a shard, both ends included. */
export interface Interval {
  readonly first: bigint;
  readonly last: bigint;
}

interface CommittedInterval extends Interval {
  /** Kinesis records in it; undefined where nobody knows. */
  readonly records: number | undefined;
}

/**
 * What commits cover, by sequence number. A batch is a run of its shard without holes, so that whatever lies between
 * its ends is in the lake.
 */
export class CommittedRecords {
  readonly #shards = new Map<string, ShardIntervals>();

  /** @param records of the batch; undefined where only its ends are known */
  add(shardId: string, first: string, last: string, records?: number): void {
    let shard = this.#shards.get(shardId);
    if (shard === undefined) this.#shards.set(shardId, (shard = new ShardIntervals()));
    shard.add({ first: BigInt(first), last: BigInt(last), records });
  }

  has(shardId: string, sequence: bigint): boolean {
    const found = this.#shards.get(shardId)?.from(sequence);
    return found !== undefined && found.first <= sequence;
  }

  /** Whether anything committed lies between two records: no run goes over it. */
  liesBetween(shardId: string, before: bigint, after: bigint): boolean {
    const found = this.#shards.get(shardId)?.from(before + 1n);
    return found !== undefined && found.first < after;
  }

  /**
   * Whether all of a batch is committed.
   *
   * @param records how many it has; where it was committed in pieces, there may be records between them otherwise
   */
  covers(shardId: string, { first, last }: Interval, records?: number): boolean {
    const within = this.#shards.get(shardId)?.overlapping(first, last) ?? [];
    if (within.length === 1 && within[0]!.first <= first && within[0]!.last >= last) return true;
    if (records === undefined) return false;
    const isInside = within.every((one) => one.first >= first && one.last <= last);
    return isInside && within.reduce((sum, one) => sum + (one.records ?? Number.NaN), 0) === records;
  }

  /** What of an interval no commit covers. */
  lacking(shardId: string, { first, last }: Interval): Interval[] {
    const missing: Interval[] = [];
    let from = first;
    for (const one of this.#shards.get(shardId)?.overlapping(first, last) ?? []) {
      if (one.first > from) missing.push({ first: from, last: one.first - 1n });
      from = one.last + 1n;
    }
    if (from <= last) missing.push({ first: from, last });
    return missing;
  }

  /** The first and the last sequence number of a shard that are committed; undefined where nothing of it is. */
  ends(shardId: string): Interval | undefined {
    return this.#shards.get(shardId)?.ends();
  }
}

/** Disjoint, in order. Sorted when it is asked, not with each that is added: there are many. */
class ShardIntervals {
  #sorted: CommittedInterval[] = [];
  #added: CommittedInterval[] = [];

  add(interval: CommittedInterval): void {
    this.#added.push(interval);
  }

  ends(): Interval | undefined {
    const all = this.#all();
    return all.length === 0 ? undefined : { first: all[0]!.first, last: all.at(-1)!.last };
  }

  /** The first interval that ends at a sequence number or after it. */
  from(sequence: bigint): CommittedInterval | undefined {
    const all = this.#all();
    return all[this.#indexFrom(all, sequence)];
  }

  overlapping(first: bigint, last: bigint): CommittedInterval[] {
    const all = this.#all();
    const begin = this.#indexFrom(all, first);
    let end = begin;
    while (end < all.length && all[end]!.first <= last) end++;
    return all.slice(begin, end);
  }

  #indexFrom(all: readonly CommittedInterval[], sequence: bigint): number {
    let [low, high] = [0, all.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (all[middle]!.last < sequence) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #all(): readonly CommittedInterval[] {
    if (this.#added.length === 0) return this.#sorted;
    const all = [...this.#sorted, ...this.#added].sort(
      (a, b) => order(a.first, b.first) || order(b.last, a.last),
    );
    this.#added = [];
    this.#sorted = [];
    for (const next of all) {
      const before = this.#sorted.at(-1);
      if (before === undefined || next.first > before.last) this.#sorted.push(next);
      else this.#sorted[this.#sorted.length - 1] = joined(before, next);
    }
    return this.#sorted;
  }
}

const order = (a: bigint, b: bigint): number => (a < b ? -1 : Number(a > b));

/** Of two that overlap. Their records cannot be counted, but where one of them is within the other. */
function joined(a: CommittedInterval, b: CommittedInterval): CommittedInterval {
  if (b.last > a.last) return { first: a.first, last: b.last, records: undefined };
  const isSame = a.first === b.first && a.last === b.last;
  return isSame ? { ...a, records: a.records ?? b.records } : a;
}
