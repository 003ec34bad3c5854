import { FIELD, type Tag, type UserRecord } from "./aggregate.ts";
import { WireError } from "./wire-error.ts";

const FIRST_CAPACITY = 1_024;
const NO_TAGS: readonly Tag[] = [];
const NO_KEY = -1;

/**
 * The user records of an aggregate, as places in its bytes. An aggregate has thousands, which as objects would cost more
 * than all that is done to their bytes.
 */
export class AggregateRecords {
  readonly data: Uint8Array;
  readonly partitionKeys: string[] = [];
  readonly explicitHashKeys: string[] = [];
  /** Begin and end of each record's data. */
  starts = new Int32Array(FIRST_CAPACITY);
  ends = new Int32Array(FIRST_CAPACITY);
  /** Indices of their keys; NO_KEY for none. */
  #keys = new Float64Array(FIRST_CAPACITY);
  #hashKeys = new Float64Array(FIRST_CAPACITY);
  /** Begin of the messages. */
  #ats = new Int32Array(FIRST_CAPACITY);
  readonly #tags = new Map<number, readonly Tag[]>();
  /** Indices of records that have any, in order. */
  readonly #tagged: number[] = [];
  #tagCount = 0;
  #length = 0;

  /** @param data of the aggregate */
  constructor(data: Uint8Array) {
    this.data = data;
  }

  get length(): number {
    return this.#length;
  }

  /** Keys, records and tags so far. */
  get parts(): number {
    return this.partitionKeys.length + this.explicitHashKeys.length + this.#length + this.#tagCount;
  }

  add(
    at: number,
    key: number,
    hashKey: number | undefined,
    start: number,
    end: number,
    tags: readonly Tag[] | undefined,
  ): void {
    if (this.#length === this.starts.length) this.#grow();
    const i = this.#length++;
    this.#ats[i] = at;
    this.#keys[i] = key;
    this.#hashKeys[i] = hashKey ?? NO_KEY;
    this.starts[i] = start;
    this.ends[i] = end;
    if (tags === undefined) return;
    this.#tags.set(i, tags);
    this.#tagged.push(i);
    this.#tagCount += tags.length;
  }

  #grow(): void {
    this.starts = larger(this.starts, Int32Array);
    this.ends = larger(this.ends, Int32Array);
    this.#keys = larger(this.#keys, Float64Array);
    this.#hashKeys = larger(this.#hashKeys, Float64Array);
    this.#ats = larger(this.#ats, Int32Array);
  }

  /**
   * Takes the record at `at` if it is of the form that almost all have: two keys below 128, data of up to 16 KiB, no tags.
   *
   * @returns offset after it, 0 for any other
   */
  takeCommon(at: number, end: number): number {
    const bytes = this.data;
    // Both lengths may take a second byte.
    if (at + 10 > end || bytes[at] !== FIELD.records) return 0;
    let size = bytes[at + 1]!;
    let from = at + 2;
    if (size >= 0x80) {
      const high = bytes[from++]!;
      if (high >= 0x80) return 0;
      size = (size & 0x7f) | (high << 7);
    }
    const messageEnd = from + size;
    const key = bytes[from + 1]!;
    const hashKey = bytes[from + 3]!;
    const isCommon =
      bytes[from] === FIELD.record.partitionKeyIndex &&
      bytes[from + 2] === FIELD.record.explicitHashKeyIndex &&
      bytes[from + 4] === FIELD.record.data &&
      key < 0x80 &&
      hashKey < 0x80 &&
      messageEnd <= end;
    if (!isCommon) return 0;
    let length = bytes[from + 5]!;
    let start = from + 6;
    if (length >= 0x80) {
      const high = bytes[start++]!;
      if (high >= 0x80) return 0;
      length = (length & 0x7f) | (high << 7);
    }
    if (start + length !== messageEnd) return 0;
    this.add(from, key, hashKey, start, messageEnd, undefined);
    return messageEnd;
  }

  /** @throws WireError KEY_INDEX */
  checkKeys(): void {
    for (let i = 0; i < this.#length; i++) {
      assertIndex(this.#keys[i]!, this.partitionKeys, this.#ats[i]!);
      if (this.#hashKeys[i] !== NO_KEY) assertIndex(this.#hashKeys[i]!, this.explicitHashKeys, this.#ats[i]!);
    }
  }

  partitionKey(i: number): string {
    return this.partitionKeys[this.#keys[i]!]!;
  }

  tags(i: number): readonly Tag[] {
    return this.#tags.get(i) ?? NO_TAGS;
  }

  /** Index of the first record from `from` on that has tags, or another key than the one before it. */
  runEnd(from: number): number {
    const end = this.#tagged[firstIndex(this.#tagged, from)] ?? this.#length;
    const key = this.#keys[from - 1];
    let i = from;
    while (i < end && this.#keys[i] === key) i++;
    return i;
  }

  /** One record. */
  at(i: number): UserRecord {
    const hashKey = this.#hashKeys[i]!;
    return {
      partitionKey: this.partitionKey(i),
      explicitHashKey: hashKey === NO_KEY ? undefined : this.explicitHashKeys[hashKey],
      data: this.data.subarray(this.starts[i], this.ends[i]),
      tags: this.tags(i),
    };
  }

  *[Symbol.iterator](): Generator<UserRecord> {
    for (let i = 0; i < this.#length; i++) yield this.at(i);
  }
}

/** The same numbers with room for as many again. */
function larger<A extends Int32Array | Float64Array>(array: A, of: new (length: number) => A): A {
  const copy = new of(array.length * 2);
  copy.set(array);
  return copy;
}

/** @returns index of the first of the sorted numbers that is not below `from` */
function firstIndex(sorted: readonly number[], from: number): number {
  let [low, high] = [0, sorted.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (sorted[middle]! < from) low = middle + 1;
    else high = middle;
  }
  return low;
}

function assertIndex(index: number, table: readonly string[], at: number): void {
  if (index < table.length) return;
  throw new WireError("KEY_INDEX", `key ${index} of a table of ${table.length}`, at);
}
