/** Half-open byte range [from, to). */
export type Range = readonly [from: number, to: number];

/** A set of bytes as sorted ranges that neither touch nor overlap. */
export class RangeSet {
  #ranges: Range[] = [];

  static of(ranges: Iterable<Range>): RangeSet {
    const set = new RangeSet();
    for (const [from, to] of ranges) set.add(from, to);
    return set;
  }

  /** Adds [from, to); extending the last range, the usual case, costs no search. */
  add(from: number, to: number): void {
    if (to <= from) return;
    const last = this.#ranges.at(-1);
    if (!last || from > last[1]) this.#ranges.push([from, to]);
    else if (from >= last[0]) this.#ranges[this.#ranges.length - 1] = [last[0], Math.max(last[1], to)];
    else this.#merge(from, to);
  }

  #merge(from: number, to: number): void {
    const first = this.#firstEndingAt(from);
    let after = first;
    while (after < this.#ranges.length && this.#ranges[after]![0] <= to) {
      from = Math.min(from, this.#ranges[after]![0]);
      to = Math.max(to, this.#ranges[after]![1]);
      after++;
    }
    this.#ranges.splice(first, after - first, [from, to]);
  }

  /** Index of the first range whose end is at or after `offset`. */
  #firstEndingAt(offset: number): number {
    let low = 0;
    let high = this.#ranges.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#ranges[middle]![1] < offset) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** True when any byte of [from, to) is in the set. */
  overlaps(from: number, to: number): boolean {
    const range = this.#ranges[this.#firstEndingAt(from + 1)];
    return range !== undefined && to > from && range[0] < to;
  }

  /** True when every byte of [from, to) is in the set. */
  covers(from: number, to: number): boolean {
    const range = this.#ranges[this.#firstEndingAt(to)];
    return to <= from || (range !== undefined && range[0] <= from && range[1] >= to);
  }

  /** What is missing of [0, to). */
  missing(to: number): Range[] {
    const holes: Range[] = [];
    let at = 0;
    for (const [start, end] of this.#ranges) {
      if (start >= to) break;
      if (start > at) holes.push([at, start]);
      at = end;
    }
    if (at < to) holes.push([at, to]);
    return holes;
  }

  get bytes(): number {
    return this.#ranges.reduce((sum, [from, to]) => sum + to - from, 0);
  }

  toArray(): readonly Range[] {
    return this.#ranges;
  }
}
