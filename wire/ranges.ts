/** Half-open byte range [from, to). */
export type Range = readonly [from: number, to: number];

/**
 * Ranges in one piece of a set. A range in the middle moves those after it in its piece, and no others: offsets
 * that run backwards, or at random, would otherwise move all of them each time.
 */
const PIECE_MAX_RANGES = 512;

/**
 * A set of bytes as sorted ranges that neither touch nor overlap. Adding and asking cost about the same in
 * whatever order offsets come, since other senders decide on that.
 */
export class RangeSet {
  /** Sorted, none empty; the ranges of all of them in turn are the set. */
  readonly #pieces: Range[][] = [];
  #size = 0;

  static of(ranges: Iterable<Range>): RangeSet {
    const set = new RangeSet();
    for (const [from, to] of ranges) set.add(from, to);
    return set;
  }

  /** Ranges in the set. */
  get size(): number {
    return this.#size;
  }

  /** Where the last range ends, 0 for an empty set. */
  get end(): number {
    return this.#pieces.at(-1)?.at(-1)?.[1] ?? 0;
  }

  /** Adds [from, to); extending the last range, the usual case, costs no search. */
  add(from: number, to: number): void {
    if (to <= from) return;
    const piece = this.#pieces.at(-1);
    const last = piece?.at(-1);
    if (piece === undefined || last === undefined || from > last[1]) this.#append(from, to);
    else if (from >= last[0]) piece[piece.length - 1] = [last[0], Math.max(last[1], to)];
    else this.#merge(from, to);
  }

  #append(from: number, to: number): void {
    const piece = this.#pieces.at(-1);
    if (piece !== undefined && piece.length < PIECE_MAX_RANGES) piece.push([from, to]);
    else this.#pieces.push([[from, to]]);
    this.#size++;
  }

  /** Puts [from, to), which begins before the last range, in the place of all that it touches. */
  #merge(from: number, to: number): void {
    const first = this.#pieceEndingAt(from);
    const piece = this.#pieces[first]!;
    const at = firstEndingAt(piece, from);
    let last = first;
    let after = at;
    for (let range = piece[at]; range !== undefined && range[0] <= to;) {
      from = Math.min(from, range[0]);
      to = Math.max(to, range[1]);
      this.#size--;
      after++;
      if (after === this.#pieces[last]!.length && last + 1 < this.#pieces.length) {
        last++;
        after = 0;
      }
      range = this.#pieces[last]![after];
    }
    const merged = [...piece.slice(0, at), [from, to] as const, ...this.#pieces[last]!.slice(after)];
    this.#size++;
    this.#pieces.splice(first, last - first + 1, ...halves(merged));
  }

  /** Index of the first piece whose end is at or after `offset`. */
  #pieceEndingAt(offset: number): number {
    return firstIndex(this.#pieces.length, (i) => this.#pieces[i]!.at(-1)![1] >= offset);
  }

  /** The first range whose end is at or after `offset`. */
  #rangeEndingAt(offset: number): Range | undefined {
    const piece = this.#pieces[this.#pieceEndingAt(offset)];
    return piece?.[firstEndingAt(piece, offset)];
  }

  /** True when any byte of [from, to) is in the set. */
  overlaps(from: number, to: number): boolean {
    const range = this.#rangeEndingAt(from + 1);
    return range !== undefined && to > from && range[0] < to;
  }

  /** True when every byte of [from, to) is in the set. */
  covers(from: number, to: number): boolean {
    const range = this.#rangeEndingAt(to);
    return to <= from || (range !== undefined && range[0] <= from && range[1] >= to);
  }

  /** Parts of [from, to) that are in the set. */
  within(from: number, to: number): Range[] {
    const parts: Range[] = [];
    for (const [start, end] of this.#from(from)) {
      if (start >= to) break;
      parts.push([Math.max(start, from), Math.min(end, to)]);
    }
    return parts;
  }

  /** What is missing of [from, to). */
  missing(to: number, from = 0): Range[] {
    const holes: Range[] = [];
    let at = from;
    for (const [start, end] of this.within(from, to)) {
      if (start > at) holes.push([at, start]);
      at = end;
    }
    if (at < to) holes.push([at, to]);
    return holes;
  }

  /** Ranges of which some byte is at or after `offset`. */
  *#from(offset: number): Generator<Range> {
    let piece = this.#pieceEndingAt(offset + 1);
    let at = firstEndingAt(this.#pieces[piece] ?? [], offset + 1);
    for (; piece < this.#pieces.length; piece++, at = 0) {
      for (; at < this.#pieces[piece]!.length; at++) yield this.#pieces[piece]![at]!;
    }
  }

  get bytes(): number {
    let sum = 0;
    for (const [from, to] of this) sum += to - from;
    return sum;
  }

  *[Symbol.iterator](): Generator<Range> {
    for (const piece of this.#pieces) yield* piece;
  }

  toArray(): readonly Range[] {
    return this.#pieces.flat();
  }
}

const firstEndingAt = (piece: readonly Range[], offset: number): number =>
  firstIndex(piece.length, (i) => piece[i]![1] >= offset);

/** Index of the first of `length` items that `isAfter` holds for; it must hold for all after it. */
function firstIndex(length: number, isAfter: (index: number) => boolean): number {
  let low = 0;
  let high = length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (isAfter(middle)) high = middle;
    else low = middle + 1;
  }
  return low;
}

/** A piece that has grown too long, as two. */
function halves(piece: Range[]): Range[][] {
  if (piece.length <= PIECE_MAX_RANGES) return [piece];
  const middle = piece.length >>> 1;
  return [piece.slice(0, middle), piece.slice(middle)];
}
