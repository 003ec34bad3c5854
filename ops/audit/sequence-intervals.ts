/** What of a batch was there before it. */
export type Coverage = "new" | "covered" | "overlapping";

/** Of 192 bits, as 56 digits have 186: larger numbers, which Kinesis does not have by now, are kept another way. */
const WORDS = 3;
const LIMIT = 1n << BigInt(64 * WORDS);
const WORD = (1n << 64n) - 1n;

/**
 * The intervals of sequence numbers of one origin that commits cover. A million are mostly in order, one behind the other:
 * those are kept outside of the heap, as 48 bytes each, and the few others beside them.
 */
class OriginIntervals {
  /** First and last of each, its lowest word first. Sorted, and none overlaps another. */
  #words = new BigUint64Array(2 * WORDS * 4);
  #size = 0;
  #end = -1n;
  /** Those that came out of order: sorted, and none overlaps another. */
  #late: { first: bigint; last: bigint }[] = [];

  add(first: bigint, last: bigint): Coverage {
    const at = this.#lateEndingAt(first);
    const late = this.#late[at];
    if (late !== undefined && late.first <= first && late.last >= last) return "covered";
    let overlaps = late !== undefined && late.first <= last;
    if (first > this.#end) {
      if (!overlaps && last < LIMIT) return this.#append(first, last);
    } else {
      const among = this.#among(first, last);
      if (among === "covered") return "covered";
      overlaps ||= among === "overlapping";
    }
    this.#addLate(at, first, last);
    return overlaps ? "overlapping" : "new";
  }

  #append(first: bigint, last: bigint): Coverage {
    const at = this.#size * 2 * WORDS;
    if (at === this.#words.length) {
      const grown = Math.ceil((1.5 * this.#words.length) / (2 * WORDS)) * 2 * WORDS;
      this.#words = new BigUint64Array(this.#words.buffer.transfer(8 * grown));
    }
    for (let word = 0; word < WORDS; word++) {
      const shift = BigInt(64 * word);
      this.#words[at + word] = (first >> shift) & WORD;
      this.#words[at + WORDS + word] = (last >> shift) & WORD;
    }
    this.#size++;
    this.#end = last;
    return "new";
  }

  /** How it stands to those in order. */
  #among(first: bigint, last: bigint): Coverage {
    const at = firstIndex(this.#size, (i) => this.#at(2 * i + 1) >= first);
    if (at === this.#size || this.#at(2 * at) > last) return "new";
    return this.#at(2 * at) <= first && this.#at(2 * at + 1) >= last ? "covered" : "overlapping";
  }

  #at(number: number): bigint {
    const at = number * WORDS;
    let value = 0n;
    for (let word = WORDS - 1; word >= 0; word--) value = (value << 64n) | this.#words[at + word]!;
    return value;
  }

  #addLate(at: number, first: bigint, last: bigint): void {
    let after = at;
    for (let late = this.#late[after]; late !== undefined && late.first <= last; late = this.#late[++after]) {
      if (late.first < first) first = late.first;
      if (late.last > last) last = late.last;
    }
    this.#late.splice(at, after - at, { first, last });
  }

  #lateEndingAt(number: bigint): number {
    return firstIndex(this.#late.length, (i) => this.#late[i]!.last >= number);
  }
}

/**
 * Which batches came before, by their sequence numbers. Those of a shard come in order, so an interval says what lies in
 * it, and one batch that came twice, or is a part of an earlier one, is known by it.
 */
export class SequenceIntervals {
  readonly #origins = new Map<string, OriginIntervals>();

  add(origin: string, firstSequenceNumber: string, lastSequenceNumber: string): Coverage {
    let intervals = this.#origins.get(origin);
    if (intervals === undefined) this.#origins.set(origin, (intervals = new OriginIntervals()));
    return intervals.add(BigInt(firstSequenceNumber), BigInt(lastSequenceNumber));
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
