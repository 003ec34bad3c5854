/** What of a batch was there before it. */
export type Coverage = "new" | "covered" | "overlapping";

/** Some hundred megabytes of sequence numbers, over all origins. */
const MAX_INTERVALS = 2_000_000;

/** The intervals of sequence numbers of one origin that commits cover: sorted, and none overlaps another. */
class OriginIntervals {
  firsts: bigint[] = [];
  lasts: bigint[] = [];

  add(first: bigint, last: bigint): Coverage {
    const end = this.lasts.length;
    if (end === 0 || first > this.lasts[end - 1]!) {
      this.firsts.push(first);
      this.lasts.push(last);
      return "new";
    }
    const at = this.#firstEndingAt(first);
    let after = at;
    let [from, to] = [first, last];
    for (; after < end && this.firsts[after]! <= last; after++) {
      if (this.firsts[after]! <= first && this.lasts[after]! >= last) return "covered";
      if (this.firsts[after]! < from) from = this.firsts[after]!;
      if (this.lasts[after]! > to) to = this.lasts[after]!;
    }
    this.firsts.splice(at, after - at, from);
    this.lasts.splice(at, after - at, to);
    return after === at ? "new" : "overlapping";
  }

  #firstEndingAt(number: bigint): number {
    let [low, high] = [0, this.lasts.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.lasts[middle]! >= number) high = middle;
      else low = middle + 1;
    }
    return low;
  }

  /** Takes the earlier half two by two, each two with all that is between for one. */
  coarsen(): void {
    const half = (this.firsts.length >>> 2) * 2;
    const early = Array.from({ length: half / 2 }, (_, pair) => 2 * pair);
    this.firsts = [...early.map((i) => this.firsts[i]!), ...this.firsts.slice(half)];
    this.lasts = [...early.map((i) => this.lasts[i + 1]!), ...this.lasts.slice(half)];
  }
}

/**
 * Which batches came before, by their sequence numbers. Those of a shard come in order, so an interval says what lies in
 * it, and one batch that came twice, or is a part of an earlier one, is known by it.
 */
export class SequenceIntervals {
  readonly #origins = new Map<string, OriginIntervals>();
  #max: number;
  #size = 0;

  constructor(max = MAX_INTERVALS) {
    this.#max = max;
  }

  add(origin: string, firstSequenceNumber: string, lastSequenceNumber: string): Coverage {
    let intervals = this.#origins.get(origin);
    if (intervals === undefined) this.#origins.set(origin, (intervals = new OriginIntervals()));
    const before = intervals.firsts.length;
    const coverage = intervals.add(BigInt(firstSequenceNumber), BigInt(lastSequenceNumber));
    this.#size += intervals.firsts.length - before;
    if (this.#size > this.#max) this.#coarsen();
    return coverage;
  }

  #coarsen(): void {
    this.#size = 0;
    for (const intervals of this.#origins.values()) {
      intervals.coarsen();
      this.#size += intervals.firsts.length;
    }
    // Origins of one batch each stay as many as they are.
    this.#max = Math.max(this.#max, 2 * this.#size);
  }
}
