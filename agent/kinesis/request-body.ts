import { simd } from "../../wire/simd.ts";
import type { OutgoingRecord } from "./outgoing-record.ts";

/**
 * Bytes turned into base64 at a time, a multiple of three. Strings of this size are cheap garbage:
 * a quarter of the cost of one string for each record, measured 2026-11.
 */
const SLICE_BYTES = 12 * 2 ** 10;

const BODY_STEP_BYTES = 2 ** 18;

/**
 * PutRecords requests as they stand on the wire. Serialising megabytes through the SDK costs as much
 * again as all the rest of the agent.
 */
export interface RequestBody {
  readonly contentType: string;
  /** @returns the body; good until the next is written */
  write(stream: string, records: readonly OutgoingRecord[]): Buffer;
}

/** JSON 1.1, data in base64. */
export class JsonBody implements RequestBody {
  readonly contentType = "application/x-amz-json-1.1";
  #buffer = Buffer.alloc(0);

  write(stream: string, records: readonly OutgoingRecord[]): Buffer {
    const opening = `{"StreamName":${JSON.stringify(stream)},"Records":[`;
    const heads = records.map(
      ({ partitionKey, explicitHashKey }) =>
        `{"PartitionKey":${JSON.stringify(partitionKey)},"ExplicitHashKey":"${explicitHashKey}","Data":"`,
    );
    const out = this.#room(opening, heads, records);
    let at = out.write(opening);
    for (const [i, { data }] of records.entries()) {
      at += out.write(heads[i]!, at);
      at = writeBase64(data, out, at);
      at += out.write(i + 1 < records.length ? '"},' : '"}', at);
    }
    at += out.write("]}", at);
    return out.subarray(0, at);
  }

  #room(opening: string, heads: readonly string[], records: readonly OutgoingRecord[]): Buffer {
    let bytes = Buffer.byteLength(opening) + "]}".length;
    for (const [i, { data }] of records.entries()) {
      bytes += Buffer.byteLength(heads[i]!) + 4 * Math.ceil(data.length / 3) + '"},'.length;
    }
    if (this.#buffer.length < bytes) this.#buffer = bodyBuffer(bytes);
    return this.#buffer;
  }
}

/** Somewhat larger, for the next body is larger by a few bytes, and one that is left to the collector stays long. */
export function bodyBuffer(bytes: number): Buffer<ArrayBuffer> {
  return Buffer.allocUnsafeSlow(Math.ceil(bytes / BODY_STEP_BYTES) * BODY_STEP_BYTES);
}

/** @returns the offset after it */
function writeBase64(data: Buffer, out: Buffer, at: number): number {
  const vectors = simd();
  if (vectors !== undefined) return vectors.base64(data, out, at);
  for (let from = 0; from < data.length; from += SLICE_BYTES) {
    at += out.write(data.toString("base64", from, from + SLICE_BYTES), at, "latin1");
  }
  return at;
}
