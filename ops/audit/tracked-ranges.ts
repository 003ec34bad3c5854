import type { CommitRef } from "./commit-ref.ts";

/** Bytes [from, to) that were delivered, and the commits that brought its ends. */
interface TrackedRange {
  from: number;
  to: number;
  first: CommitRef;
  last: CommitRef;
}

/** Bytes that nobody delivered, between two commits. */
export interface Hole {
  readonly from: number;
  readonly to: number;
  /** The commits whose ranges end and begin there; none before the first range. */
  readonly after?: CommitRef;
  readonly before: CommitRef;
}

/** A file that is read on and on has one range. So many are of a sender that makes them. */
const MAX_RANGES = 4_096;

/** The delivered bytes of one source, with the commits at the edges of its holes. Takes memory for each hole. */
export class TrackedRanges {
  /** Sorted; no two touch. */
  #ranges: TrackedRange[] = [];
  /** Bytes that were added while they were there already. */
  againBytes = 0;
  /** Bytes of holes that are no longer told apart from delivered bytes, since there were too many. */
  blurredBytes = 0;

  copy(): TrackedRanges {
    const copy = new TrackedRanges();
    copy.#ranges = this.#ranges.map((range) => ({ ...range }));
    copy.blurredBytes = this.blurredBytes;
    return copy;
  }

  /** Where the first range begins, and the last one ends: 0 for none. */
  get begin(): number {
    return this.#ranges[0]?.from ?? 0;
  }

  get end(): number {
    return this.#ranges.at(-1)?.to ?? 0;
  }

  get size(): number {
    return this.#ranges.length;
  }

  get bytes(): number {
    return this.#ranges.reduce((sum, { from, to }) => sum + to - from, 0) - this.blurredBytes;
  }

  /** The commit that brought the last byte. */
  get last(): CommitRef | undefined {
    return this.#ranges.at(-1)?.last;
  }

  *[Symbol.iterator](): Generator<readonly [from: number, to: number]> {
    for (const { from, to } of this.#ranges) yield [from, to];
  }

  /** @returns how many of the bytes were new */
  add(from: number, to: number, commit: CommitRef): number {
    if (to <= from) return 0;
    const last = this.#ranges.at(-1);
    if (last !== undefined && from === last.to) {
      last.to = to;
      last.last = commit;
      return to - from;
    }
    const range = { from, to, first: commit, last: commit };
    if (last !== undefined && from < last.to) return this.#merge(range);
    this.#ranges.push(range);
    this.#bound();
    return to - from;
  }

  #merge(added: TrackedRange): number {
    const ranges = this.#ranges;
    const at = firstIndex(ranges.length, (i) => ranges[i]!.to >= added.from);
    let [after, again] = [at, 0];
    let { from, to, first, last } = added;
    for (let range = ranges[after]; range !== undefined && range.from <= added.to; range = ranges[++after]) {
      again += Math.min(range.to, added.to) - Math.max(range.from, added.from);
      if (range.from < from) ({ from, first } = range);
      if (range.to > to) ({ to, last } = range);
    }
    ranges.splice(at, after - at, { from, to, first, last });
    this.#bound();
    this.againBytes += again;
    return added.to - added.from - again;
  }

  /** Beyond the limit, the smallest hole of all is no longer known. */
  #bound(): void {
    if (this.#ranges.length <= MAX_RANGES) return;
    let [at, smallest] = [1, Infinity];
    for (let i = 1; i < this.#ranges.length; i++) {
      const bytes = this.#ranges[i]!.from - this.#ranges[i - 1]!.to;
      if (bytes < smallest) [at, smallest] = [i, bytes];
    }
    const [before, after] = [this.#ranges[at - 1]!, this.#ranges[at]!];
    this.#ranges.splice(at - 1, 2, {
      from: before.from,
      to: after.to,
      first: before.first,
      last: after.last,
    });
    this.blurredBytes += smallest;
  }

  /** Holes between `from` and the last range, in order. */
  *holes(from: number): Generator<Hole> {
    let after: CommitRef | undefined;
    let at = from;
    for (const range of this.#ranges) {
      if (range.from > at) yield { from: at, to: range.from, before: range.first, ...(after && { after }) };
      at = Math.max(at, range.to);
      after = range.last;
    }
  }

  /** Whether every byte of [from, to) is there. */
  covers(from: number, to: number): boolean {
    const at = firstIndex(this.#ranges.length, (i) => this.#ranges[i]!.to >= to);
    const range = this.#ranges[at];
    return to <= from || (range !== undefined && range.from <= from);
  }
}

function firstIndex(length: number, isAfter: (index: number) => boolean): number {
  let [low, high] = [0, length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (isAfter(middle)) high = middle;
    else low = middle + 1;
  }
  return low;
}
