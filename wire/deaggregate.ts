import { createHash } from "node:crypto";
import { AggregateRecords } from "./aggregate-records.ts";
import { alikeDigests, DIGEST_BYTES, FIELD, MAGIC, type Tag, type UserRecord } from "./aggregate.ts";
import { AGGREGATE_MAX_PARTS, PARTITION_KEY_MAX_CHARS } from "./limits.ts";
import { LANES } from "./simd.ts";
import { Cursor } from "./varint.ts";
import { WireError } from "./wire-error.ts";

/** True when the bytes begin like an aggregate. They may still be corrupt. */
export function isAggregate(data: Uint8Array): boolean {
  return data.length >= MAGIC.length && MAGIC.every((byte, i) => data[i] === byte);
}

/**
 * Reads an aggregate whole or not at all: a digest that does not match, a field past the end, a key
 * index outside its table, a missing required field or more parts than memory should hold refuses it, so
 * nothing is half-emitted.
 *
 * `data` of each record is a view into the input. Unknown fields are skipped, as protobuf asks.
 * Layout: see aggregate.ts.
 *
 * @throws WireError NOT_AN_AGGREGATE, TRUNCATED, DIGEST_MISMATCH, MALFORMED, TOO_MANY_PARTS, KEY_INDEX
 */
export function deaggregate(data: Uint8Array): UserRecord[] {
  return [...readAggregate(data)];
}

/**
 * As `deaggregate`, with nothing made of a record but its place.
 *
 * @param sound aggregates whose digest is known to match
 * @throws WireError as `deaggregate`
 */
export function readAggregate(data: Uint8Array, sound: ReadonlySet<Uint8Array> = NONE): AggregateRecords {
  const body = aggregateBody(data);
  const end = MAGIC.length + body.length;
  if (!sound.has(data) && !isDigest(createHash("md5").update(body).digest(), data)) {
    throw new WireError("DIGEST_MISMATCH", "the MD5 trailer does not match the body", end);
  }
  return readAggregatedRecord(new Cursor(data, MAGIC.length, end));
}

const NONE: ReadonlySet<Uint8Array> = new Set();

/**
 * The aggregates among some records whose digests match. Four of about one size are hashed at once, in less than half of
 * the time; any that is not among those returned may be sound as well.
 */
export function soundAggregates(records: readonly Uint8Array[]): ReadonlySet<Uint8Array> {
  const sound = new Set<Uint8Array>();
  const aggregates = records.filter(
    (data) => isAggregate(data) && data.length >= MAGIC.length + DIGEST_BYTES,
  );
  aggregates.sort((a, b) => b.length - a.length);
  for (let i = 0; i + LANES <= aggregates.length; i += LANES) {
    const four = aggregates.slice(i, i + LANES);
    const digests = alikeDigests(four.map((data) => bufferOf(aggregateBody(data))));
    four.filter((data, lane) => digests && isDigest(digests[lane]!, data)).forEach((data) => sound.add(data));
  }
  return sound;
}

const bufferOf = ({ buffer, byteOffset, length }: Uint8Array): Buffer =>
  Buffer.from(buffer, byteOffset, length);

/** Whether an aggregate ends with this digest. */
const isDigest = (digest: Buffer, aggregate: Uint8Array): boolean =>
  digest.equals(aggregate.subarray(aggregate.length - DIGEST_BYTES));

/** What the digest at an aggregate's end is of. @throws WireError NOT_AN_AGGREGATE, TRUNCATED */
function aggregateBody(data: Uint8Array): Uint8Array {
  if (!isAggregate(data)) throw new WireError("NOT_AN_AGGREGATE", "the magic bytes are missing", 0);
  const end = data.length - DIGEST_BYTES;
  if (end < MAGIC.length) throw new WireError("TRUNCATED", "too short for a digest", data.length);
  return data.subarray(MAGIC.length, end);
}

function readAggregatedRecord(body: Cursor): AggregateRecords {
  const records = new AggregateRecords(body.bytes);
  while (!body.done) {
    const common = records.takeCommon(body.at, body.end);
    if (common > 0) body.at = common;
    else readField(body, records);
    assertParts(records.parts, body.at);
  }
  // Tables may stand after the records, so indices are resolved only now.
  records.checkKeys();
  return records;
}

function readField(body: Cursor, records: AggregateRecords): void {
  const field = body.varint();
  if (field === FIELD.partitionKeyTable) records.partitionKeys.push(readKey(body));
  else if (field === FIELD.explicitHashKeyTable) records.explicitHashKeys.push(readKey(body));
  else if (field === FIELD.records) readRecord(body.message(), records);
  else skip(body, field, 3);
}

function readRecord(body: Cursor, records: AggregateRecords): void {
  const at = body.at;
  let partitionKeyIndex: number | undefined;
  let explicitHashKeyIndex: number | undefined;
  let data: Uint8Array | undefined;
  let tags: Tag[] | undefined;
  while (!body.done) {
    const field = body.varint();
    if (field === FIELD.record.partitionKeyIndex) partitionKeyIndex = body.varint();
    else if (field === FIELD.record.explicitHashKeyIndex) explicitHashKeyIndex = body.varint();
    else if (field === FIELD.record.data) data = body.take(body.varint());
    else if (field === FIELD.record.tags) assertParts((tags ??= []).push(readTag(body.message())), at);
    else skip(body, field, 4);
  }
  if (partitionKeyIndex === undefined) throw new WireError("MALFORMED", "record without a partition key", at);
  if (data === undefined) throw new WireError("MALFORMED", "record without data", at);
  const start = data.byteOffset - body.bytes.byteOffset;
  records.add(at, partitionKeyIndex, explicitHashKeyIndex, start, start + data.length, tags);
}

function readTag(body: Cursor): Tag {
  const at = body.at;
  let key: string | undefined;
  let value: string | undefined;
  while (!body.done) {
    const field = body.varint();
    if (field === FIELD.tag.key) key = readString(body);
    else if (field === FIELD.tag.value) value = readString(body);
    else skip(body, field, 2);
  }
  if (key === undefined) throw new WireError("MALFORMED", "tag without a key", at);
  return { key, value };
}

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Every record of an aggregate may name the same key, so a long one is not as harmless as long data. */
function readKey(body: Cursor): string {
  const key = readString(body);
  if (key.length <= PARTITION_KEY_MAX_CHARS || Array.from(key).length <= PARTITION_KEY_MAX_CHARS) return key;
  throw new WireError("MALFORMED", `key of more than ${PARTITION_KEY_MAX_CHARS} characters`, body.at);
}

function readString(body: Cursor): string {
  const bytes = body.take(body.varint());
  try {
    return utf8.decode(bytes);
  } catch (cause) {
    throw new WireError("MALFORMED", "string is not UTF-8", body.at, { cause });
  }
}

/** @throws WireError TOO_MANY_PARTS */
function assertParts(parts: number, at: number): void {
  if (parts <= AGGREGATE_MAX_PARTS) return;
  throw new WireError("TOO_MANY_PARTS", `more than ${AGGREGATE_MAX_PARTS} records, keys and tags`, at);
}

/** Skips a field we do not know. One that we know (1 to `known`) is here with a wrong wire type. */
function skip(body: Cursor, field: number, known: number): void {
  const number = Math.floor(field / 8);
  if (number >= 1 && number <= known) {
    throw new WireError("MALFORMED", `field ${number} has the wrong wire type`, body.at);
  }
  switch (field % 8) {
    case 0:
      body.varint();
      break;
    case 1:
      body.take(8);
      break;
    case 2:
      body.take(body.varint());
      break;
    case 5:
      body.take(4);
      break;
    default:
      throw new WireError("MALFORMED", `wire type ${field % 8} does not exist`, body.at);
  }
}
