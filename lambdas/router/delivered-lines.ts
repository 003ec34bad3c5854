import { crc32 } from "node:zlib";

/**
 * Lines of a source that a batch has brought, by offset and CRC-32 of their bytes. A line is a duplicate only
 * if its bytes are those that came before: on offsets alone, whoever claims a range first would keep the lines
 * out that are really there.
 */
export class DeliveredLines {
  readonly #offsets: number[] = [];
  readonly #checksums: number[] = [];
  /** Made for the first line that may have come before: most batches bring no line twice. */
  #known: Set<string> | undefined;
  #end = 0;

  /** @returns false when the line came before */
  add(offset: number, data: Uint8Array): boolean {
    const checksum = crc32(data);
    if (offset < this.#end) {
      this.#known ??= new Set(this.#offsets.map((offset, i) => lineKey(offset, this.#checksums[i]!)));
      if (this.#known.has(lineKey(offset, checksum))) return false;
    }
    this.#known?.add(lineKey(offset, checksum));
    this.#offsets.push(offset);
    this.#checksums.push(checksum);
    this.#end = Math.max(this.#end, offset + 1);
    return true;
  }
}

const lineKey = (offset: number, checksum: number): string => `${offset}:${checksum}`;
