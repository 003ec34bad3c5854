import { zstdDecompressSync } from "node:zlib";
import { isAggregate, readAggregate } from "../wire/deaggregate.ts";
import { HEARTBEAT_TYPE } from "../wire/log-type.ts";

export interface ArrivedLines {
  readonly lines: number;
  /** Of the lines, line feeds included. */
  readonly lineBytes: number;
}

const LINE_FEED = "\n".charCodeAt(0);
const ZSTD_MAGIC = 0xfd2fb528;

/** The lines of a record's data: an aggregate without heartbeats, or text, either of them perhaps a zstd frame. */
export function arrivedLines(data: Uint8Array): ArrivedLines {
  const bytes = Buffer.from(data.buffer, data.byteOffset, data.length);
  const isZstd = bytes.length >= 4 && bytes.readUInt32LE(0) === ZSTD_MAGIC;
  const inner = isZstd ? zstdDecompressSync(bytes) : bytes;
  return isAggregate(inner) ? ofAggregate(inner) : ofText(inner);
}

/** Digests are not checked: that would cost more than all else. */
function ofAggregate(data: Buffer): ArrivedLines {
  const records = readAggregate(data, new Set([data]));
  let lines = 0;
  let lineBytes = 0;
  for (let i = 0; i < records.length; i++) {
    if (records.partitionKey(i) === HEARTBEAT_TYPE) continue;
    lines++;
    lineBytes += records.ends[i]! - records.starts[i]! + 1;
  }
  return { lines, lineBytes };
}

function ofText(data: Buffer): ArrivedLines {
  let lines = 0;
  for (let at = data.indexOf(LINE_FEED); at !== -1; at = data.indexOf(LINE_FEED, at + 1)) lines++;
  return { lines, lineBytes: data.length };
}
