import { zstdDecompressSync } from "node:zlib";
import { isAggregate, readAggregate } from "../wire/deaggregate.ts";
import { HEARTBEAT_TYPE } from "../wire/log-type.ts";

const LINE_FEED = "\n".charCodeAt(0);
const ZSTD_MAGIC = 0xfd2fb528;
const COMPRESSED_MAX_BYTES = 2 ** 28;

/**
 * Counts the lines in records: aggregates without heartbeats, or text, either of them perhaps a zstd frame. Frames are
 * opened once somebody asks, for that costs as much as to write them, on a machine where just that is measured.
 */
export class ArrivedLines {
  #lines = 0;
  #lineBytes = 0;
  #compressed: Buffer[] = [];
  #compressedBytes = 0;

  /** @param data that is good until this returns */
  add(data: Buffer): void {
    const isZstd = data.length >= 4 && data.readUInt32LE(0) === ZSTD_MAGIC;
    if (!isZstd) return this.#count(data);
    this.#compressed.push(Buffer.from(data));
    this.#compressedBytes += data.length;
    if (this.#compressedBytes > COMPRESSED_MAX_BYTES) this.#open();
  }

  /** Bytes are those of the lines as they came, line feeds included. */
  counts(): { readonly lines: number; readonly lineBytes: number } {
    this.#open();
    return { lines: this.#lines, lineBytes: this.#lineBytes };
  }

  #open(): void {
    for (const frame of this.#compressed) this.#count(zstdDecompressSync(frame));
    this.#compressed = [];
    this.#compressedBytes = 0;
  }

  #count(data: Buffer): void {
    if (isAggregate(data)) this.#countAggregate(data);
    else this.#countText(data);
  }

  /** Trusts digests: to check them would cost more than all else. */
  #countAggregate(data: Buffer): void {
    const records = readAggregate(data, new Set([data]));
    for (let i = 0; i < records.length; i++) {
      if (records.partitionKey(i) === HEARTBEAT_TYPE) continue;
      this.#lines++;
      this.#lineBytes += records.ends[i]! - records.starts[i]! + 1;
    }
  }

  #countText(data: Buffer): void {
    this.#lineBytes += data.length;
    for (let at = data.indexOf(LINE_FEED); at !== -1; at = data.indexOf(LINE_FEED, at + 1)) this.#lines++;
  }
}
