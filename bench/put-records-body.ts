import { cbor } from "@smithy/core/cbor";
import { hashKeyOf } from "../wire/hash-key.ts";

/** A record of a PutRecords request. */
export interface PutRecord {
  /** The one that it states, or that its partition key has. */
  readonly hashKey: string;
  /** A part of the body. */
  readonly data: Buffer;
}

interface Keys {
  readonly PartitionKey: string;
  readonly ExplicitHashKey?: string;
}

const RECORDS = Buffer.from('"Records":[');
const DATA = Buffer.from('"Data":"');
const QUOTE = '"'.charCodeAt(0);
const BRACE = "}".charCodeAt(0);
const COMMA = ",".charCodeAt(0);

/** A multiple of four, and small enough for strings of it to be cheap garbage. */
const SLICE_BYTES = 16 * 2 ** 10;

const CBOR_MAP = 5;

export function isCbor(body: Buffer): boolean {
  return body[0]! >> 5 === CBOR_MAP;
}

/** The records of a body, which is used up for them. Megabytes are searched for their ends, never parsed. */
export function putRecords(body: Buffer): PutRecord[] {
  return isCbor(body) ? recordsOfCbor(body) : recordsOfJson(body);
}

function recordsOfCbor(body: Buffer): PutRecord[] {
  const { Records } = cbor.deserialize(body) as { Records: (Keys & { Data: Uint8Array<ArrayBuffer> })[] };
  return Records.map(({ Data, ...keys }) => ({
    hashKey: hashKey(keys),
    data: Buffer.from(Data.buffer, Data.byteOffset, Data.length),
  }));
}

/** Nothing but `Data` is long, and there is no quote in base64: what is left of an entry without it is parsed. */
function recordsOfJson(body: Buffer): PutRecord[] {
  const records: PutRecord[] = [];
  let at = body.indexOf(RECORDS) + RECORDS.length;
  for (let begin = body.indexOf(DATA, at); begin !== -1; begin = body.indexOf(DATA, at)) {
    const start = begin + DATA.length;
    const end = body.indexOf(QUOTE, start);
    const entryEnd = body.indexOf(BRACE, end) + 1;
    const keys = JSON.parse(body.toString("utf8", at, start) + body.toString("utf8", end, entryEnd)) as Keys;
    records.push({ hashKey: hashKey(keys), data: decodeBase64(body, start, end) });
    at = entryEnd + (body[entryEnd] === COMMA ? 1 : 0);
  }
  return records;
}

/** Decodes in place, for the result is shorter: taking memory anew costs more than all else here. */
function decodeBase64(body: Buffer, start: number, end: number): Buffer {
  let to = start;
  for (let at = start; at < end; at += SLICE_BYTES) {
    to += body.write(body.toString("latin1", at, Math.min(at + SLICE_BYTES, end)), to, "base64");
  }
  return body.subarray(start, to);
}

function hashKey({ ExplicitHashKey, PartitionKey }: Keys): string {
  return ExplicitHashKey ?? hashKeyOf(PartitionKey);
}
