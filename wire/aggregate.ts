import { createHash } from "node:crypto";
import { LANES, simd } from "./simd.ts";
import { varintSize, writeVarint } from "./varint.ts";

/**
 * aggregate        := magic(4) AggregatedRecord md5(16, of AggregatedRecord)
 * magic            := F3 89 9A C2
 * AggregatedRecord := { 1: partition_key_table } { 2: explicit_hash_key_table } { 3: Record }
 * Record           := 1: partition_key_index  2: explicit_hash_key_index  3: data  { 4: Tag }
 * Tag              := 1: key  [ 2: value ]
 *
 * source: aggregation-format.md of awslabs/amazon-kinesis-producer, read 2026-11
 */
export const MAGIC = Uint8Array.of(0xf3, 0x89, 0x9a, 0xc2);
export const DIGEST_BYTES = 16;

/** Decimal digits of 2^128 - 1, the largest explicit hash key. */
const EXPLICIT_HASH_KEY_MAX_DIGITS = 39;

const LINE_FEED = 10;
const NO_TAGS: readonly Tag[] = [];

/** Protobuf field headers: number << 3 | wire type (0 varint, 2 length-delimited). */
export const FIELD = {
  partitionKeyTable: (1 << 3) | 2,
  explicitHashKeyTable: (2 << 3) | 2,
  records: (3 << 3) | 2,
  record: { partitionKeyIndex: 1 << 3, explicitHashKeyIndex: 2 << 3, data: (3 << 3) | 2, tags: (4 << 3) | 2 },
  tag: { key: (1 << 3) | 2, value: (2 << 3) | 2 },
} as const;

export interface Tag {
  readonly key: string;
  readonly value: string | undefined;
}

export interface UserRecord {
  readonly partitionKey: string;
  readonly explicitHashKey: string | undefined;
  readonly data: Uint8Array;
  readonly tags: readonly Tag[];
}

const ownBuffer = (bytes: number): Buffer => Buffer.allocUnsafe(bytes);

const delimited = (bytes: number): number => 1 + varintSize(bytes) + bytes;

function tagSize(tag: Tag): number {
  return (
    delimited(Buffer.byteLength(tag.key)) +
    (tag.value === undefined ? 0 : delimited(Buffer.byteLength(tag.value)))
  );
}

/** Size of a Record message; an explicit hash key index is always written, and always 0. */
function recordSize(keyIndex: number, dataBytes: number, tags: readonly Tag[]): number {
  let size = 1 + varintSize(keyIndex) + 2 + delimited(dataBytes);
  for (const tag of tags) size += delimited(tagSize(tag));
  return size;
}

/**
 * Packs user records into one aggregate. Every record carries the same explicit hash key, named only
 * at the end, so the aggregate can go to whichever shard has room by then.
 *
 * Sizes are exact but for the hash key, which is counted at its longest.
 */
export class AggregateBuilder {
  readonly #keys = new Map<string, number>();
  #lastKey: string | undefined;
  #lastIndex = 0;
  #keyTableBytes = 0;
  #records: Buffer;
  #at = 0;
  #count = 0;

  /** @param capacity bytes to set aside; grows when a lone record needs more */
  constructor(capacity: number) {
    this.#records = Buffer.allocUnsafeSlow(capacity);
  }

  /** User records so far. */
  get count(): number {
    return this.#count;
  }

  /** Bytes of the finished aggregate, at most. */
  get byteLength(): number {
    return (
      MAGIC.length + this.#keyTableBytes + delimited(EXPLICIT_HASH_KEY_MAX_DIGITS) + this.#at + DIGEST_BYTES
    );
  }

  /** Bytes of the finished aggregate were this record added, at most. */
  byteLengthWith(partitionKey: string, dataBytes: number, tags: readonly Tag[]): number {
    const index = this.#find(partitionKey);
    const key = index === undefined ? delimited(Buffer.byteLength(partitionKey)) : 0;
    return this.byteLength + key + delimited(recordSize(index ?? this.#keys.size, dataBytes, tags));
  }

  add(partitionKey: string, data: Uint8Array, tags: readonly Tag[]): void {
    const bytes = Buffer.from(data.buffer, data.byteOffset, data.length);
    this.addSlice(partitionKey, bytes, 0, bytes.length, tags);
  }

  /** Adds data[start, end). */
  addSlice(partitionKey: string, data: Buffer, start: number, end: number, tags: readonly Tag[]): void {
    const index = this.#find(partitionKey) ?? this.#addKey(partitionKey);
    this.#write(index, data, start, end, tags);
  }

  /**
   * Adds a user record for each line of data[start, end), which line feeds divide, for as long as the
   * aggregate stays within `maxBytes`; a lone line may exceed it. Nothing is made of a line but its
   * bytes in the aggregate.
   *
   * @param end where the last line ends, its line feed not included
   * @param tags of the first
   * @returns where the first line that did not fit begins; `end + 1` when all did
   */
  addLines(
    partitionKey: string,
    data: Buffer,
    start: number,
    end: number,
    tags: readonly Tag[],
    maxBytes: number,
  ): number {
    for (let at = start; at <= end;) {
      // Tags are of the first, which also makes the key known.
      if (at > start) at = this.#frame(partitionKey, data, at, end, maxBytes);
      const lineFeed = data.indexOf(LINE_FEED, at);
      const lineEnd = lineFeed === -1 || lineFeed > end ? end : lineFeed;
      const isFull = this.byteLengthWith(partitionKey, lineEnd - at, tags) > maxBytes;
      if (isFull && this.#count > 0) return at;
      this.addSlice(partitionKey, data, at, lineEnd, tags);
      tags = NO_TAGS;
      at = lineEnd + 1;
    }
    return end + 1;
  }

  /**
   * Adds as many lines as vectors can: the last, those that are long and the first that does not fit are left.
   *
   * @returns where the first that is left begins
   */
  #frame(partitionKey: string, data: Buffer, start: number, end: number, maxBytes: number): number {
    const index = this.#find(partitionKey);
    const vectors = simd();
    if (vectors === undefined || index === undefined) return start;
    const limit = Math.min(this.#records.length, this.#at + maxBytes - this.byteLength);
    for (let at = start; ;) {
      const { next, bytes, count } = vectors.frame(data, at, end, this.#records, this.#at, limit, index);
      if (count === 0) return at;
      this.#at += bytes;
      this.#count += count;
      at = next;
    }
  }

  #write(index: number, data: Buffer, start: number, end: number, tags: readonly Tag[]): void {
    const size = recordSize(index, end - start, tags);
    const out = this.#room(delimited(size));
    let at = this.#at;
    out[at++] = FIELD.records;
    at = writeVarint(out, at, size);
    out[at++] = FIELD.record.partitionKeyIndex;
    at = writeVarint(out, at, index);
    out[at++] = FIELD.record.explicitHashKeyIndex;
    out[at++] = 0;
    out[at++] = FIELD.record.data;
    at = writeVarint(out, at, end - start);
    at += data.copy(out, at, start, end);
    for (const tag of tags) at = writeTag(out, at, tag);
    this.#at = at;
    this.#count++;
  }

  /** Lines of one tag come in runs, so the key asked for last is remembered. */
  #find(partitionKey: string): number | undefined {
    if (partitionKey !== this.#lastKey) {
      const index = this.#keys.get(partitionKey);
      if (index === undefined) return undefined;
      this.#lastKey = partitionKey;
      this.#lastIndex = index;
    }
    return this.#lastIndex;
  }

  #addKey(partitionKey: string): number {
    const index = this.#keys.size;
    this.#keys.set(partitionKey, index);
    this.#keyTableBytes += delimited(Buffer.byteLength(partitionKey));
    return index;
  }

  /** The aggregate, in a buffer of its own; the builder is empty afterwards. */
  finish(explicitHashKey: string): Buffer {
    const aggregate = this.close(explicitHashKey, ownBuffer);
    writeDigests([aggregate]);
    return aggregate;
  }

  /**
   * The aggregate but for its digest, which `writeDigests` writes; the builder is empty afterwards.
   *
   * @param allocate gives a buffer of exactly so many bytes
   */
  close(explicitHashKey: string, allocate: (bytes: number) => Buffer): Buffer {
    const hashKey = delimited(explicitHashKey.length);
    const bodyBytes = this.#keyTableBytes + hashKey + this.#at;
    const out = allocate(MAGIC.length + bodyBytes + DIGEST_BYTES);
    out.set(MAGIC, 0);
    let at: number = MAGIC.length;
    for (const key of this.#keys.keys()) at = writeString(out, at, FIELD.partitionKeyTable, key);
    at = writeString(out, at, FIELD.explicitHashKeyTable, explicitHashKey);
    this.#records.copy(out, at, 0, this.#at);
    this.clear();
    return out;
  }

  clear(): void {
    this.#keys.clear();
    this.#lastKey = undefined;
    this.#keyTableBytes = 0;
    this.#at = 0;
    this.#count = 0;
  }

  #room(bytes: number): Buffer {
    const needed = this.#at + bytes;
    if (needed > this.#records.length) {
      const larger = Buffer.allocUnsafe(Math.max(needed, this.#records.length * 2));
      this.#records.copy(larger, 0, 0, this.#at);
      this.#records = larger;
    }
    return this.#records;
  }
}

/** Ends aggregates with the MD5 of what is in them. Four of about one size take less than half of the time. */
export function writeDigests(aggregates: readonly Buffer[]): void {
  const bodies = aggregates.map((aggregate) => aggregate.subarray(MAGIC.length, -DIGEST_BYTES));
  const digests = alikeDigests(bodies) ?? bodies.map(md5);
  for (const [i, aggregate] of aggregates.entries()) {
    digests[i]!.copy(aggregate, aggregate.length - DIGEST_BYTES);
  }
}

/** The MD5 of each of four bodies at once, undefined where that would take longer than one by one. */
export function alikeDigests(bodies: readonly Buffer[]): Buffer[] | undefined {
  return areAlike(bodies) ? simd()?.md5(bodies) : undefined;
}

/** Four at once take as long as the largest of them takes, which is 1.7 times what it takes alone. */
function areAlike(bodies: readonly Buffer[]): boolean {
  const sizes = bodies.map(({ length }) => length);
  const sum = sizes.reduce((sum, size) => sum + size, 0);
  return bodies.length === LANES && sum > 2 * Math.max(...sizes);
}

function md5(bytes: Buffer): Buffer {
  return createHash("md5").update(bytes).digest();
}

function writeTag(out: Buffer, at: number, tag: Tag): number {
  at = writeVarint(out, writeVarint(out, at, FIELD.record.tags), tagSize(tag));
  at = writeString(out, at, FIELD.tag.key, tag.key);
  return tag.value === undefined ? at : writeString(out, at, FIELD.tag.value, tag.value);
}

function writeString(out: Buffer, at: number, field: number, value: string): number {
  at = writeVarint(out, writeVarint(out, at, field), Buffer.byteLength(value));
  return at + out.write(value, at, "utf8");
}
