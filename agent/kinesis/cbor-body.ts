import { cbor } from "@smithy/core/cbor";
import type { OutgoingRecord } from "./outgoing-record.ts";
import { bodyBuffer, type RequestBody } from "./request-body.ts";

/**
 * head := type(3 bits) length(5 bits, or in 1, 2 or 4 bytes after 24, 25 or 26)
 * source: RFC 8949, section 3
 */
const TYPE = { bytes: 2, text: 3, array: 4, map: 5 } as const;
const HEAD_MAX_BYTES = 5;

/** PutRecords in CBOR, as the SDK for Java sends it: data as it is. */
export class CborBody implements RequestBody {
  readonly contentType = "application/x-amz-cbor-1.1";
  #buffer = Buffer.alloc(0);

  write(stream: string, records: readonly OutgoingRecord[]): Buffer {
    const opening = [head(TYPE.map, 2), text("StreamName"), text(stream), text("Records")];
    const parts = [...opening, head(TYPE.array, records.length), ...records.flatMap(entry)];
    const bytes = parts.reduce((sum, { length }) => sum + length, 0);
    if (this.#buffer.length < bytes) this.#buffer = bodyBuffer(bytes);
    let at = 0;
    for (const part of parts) at += part.copy(this.#buffer, at);
    return this.#buffer.subarray(0, at);
  }
}

function entry({ data, partitionKey, explicitHashKey }: OutgoingRecord): Buffer[] {
  return [
    head(TYPE.map, 3),
    text("PartitionKey"),
    text(partitionKey),
    text("ExplicitHashKey"),
    text(explicitHashKey),
    text("Data"),
    head(TYPE.bytes, data.length),
    data,
  ];
}

function text(value: string): Buffer {
  return Buffer.concat([head(TYPE.text, Buffer.byteLength(value)), Buffer.from(value)]);
}

function head(type: number, length: number): Buffer {
  const out = Buffer.alloc(HEAD_MAX_BYTES);
  const short = (size: number) => out.writeUInt8((type << 5) | size);
  if (length < 24) return out.subarray(0, short(length));
  if (length < 2 ** 8) return out.subarray(0, out.writeUInt8(length, short(24)));
  if (length < 2 ** 16) return out.subarray(0, out.writeUInt16BE(length, short(25)));
  return out.subarray(0, out.writeUInt32BE(length, short(26)));
}

/**
 * What an answer says. Some come in JSON even so, from what stands before the service. A map in CBOR begins with a byte
 * with which nothing in JSON does.
 *
 * @throws SyntaxError
 */
export function readAnswer(answer: Buffer): unknown {
  const isMap = answer.length > 0 && answer[0]! >> 5 === TYPE.map;
  return isMap ? cbor.deserialize(answer) : JSON.parse(answer.toString());
}
