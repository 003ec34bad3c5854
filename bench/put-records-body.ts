import { cbor } from "@smithy/core/cbor";
import { hashKeyOf } from "../wire/hash-key.ts";

/** A record of a PutRecords request. */
export interface PutRecord {
  /** That it states, or that its partition key has. */
  readonly hashKey: string;
  readonly data: Uint8Array;
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

/** Strings of this size are cheap garbage; a multiple of four. */
const SLICE_BYTES = 16 * 2 ** 10;

const CBOR_MAP = 5;

export function isCbor(body: Buffer): boolean {
  return body[0]! >> 5 === CBOR_MAP;
}

/** The records of a body, whoever wrote it. Megabytes are searched for their ends, never parsed. */
export function putRecords(body: Buffer): PutRecord[] {
  return isCbor(body) ? recordsOfCbor(body) : recordsOfJson(body);
}

function recordsOfCbor(body: Buffer): PutRecord[] {
  const { Records } = cbor.deserialize(body) as { Records: (Keys & { Data: Uint8Array })[] };
  return Records.map((record) => ({ hashKey: hashKey(record), data: record.Data }));
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
    records.push({ hashKey: hashKey(keys), data: fromBase64(body, start, end) });
    at = entryEnd + (body[entryEnd] === COMMA ? 1 : 0);
  }
  return records;
}

function fromBase64(body: Buffer, start: number, end: number): Buffer {
  const data = Buffer.allocUnsafe(Math.ceil(((end - start) * 3) / 4));
  let bytes = 0;
  for (let at = start; at < end; at += SLICE_BYTES) {
    bytes += data.write(body.toString("latin1", at, Math.min(at + SLICE_BYTES, end)), bytes, "base64");
  }
  return data.subarray(0, bytes);
}

function hashKey({ ExplicitHashKey, PartitionKey }: Keys): string {
  return ExplicitHashKey ?? hashKeyOf(PartitionKey);
}
