/**
 * Lines of a source that a batch has brought, by offset, CRC-32 of their bytes, and log type. A line is a duplicate
 * only if its bytes are those that came before: on offsets alone, whoever claims a range first would keep the lines
 * out that are really there. Nor does a line of another type stand for it, as it does not from batch to batch.
 */
export class DeliveredLines {
  readonly #offsets: number[] = [];
  readonly #checksums: number[] = [];
  readonly #types: string[] = [];
  /** Made for the first line that may have come before: most batches bring no line twice. */
  #known: Set<string> | undefined;
  #end = 0;

  /** @returns false when the line came before */
  add(offset: number, checksum: number, type: string): boolean {
    if (offset < this.#end) {
      this.#known ??= new Set(
        this.#offsets.map((offset, i) => lineKey(offset, this.#checksums[i]!, this.#types[i]!)),
      );
      if (this.#known.has(lineKey(offset, checksum, type))) return false;
    }
    this.#known?.add(lineKey(offset, checksum, type));
    this.#offsets.push(offset);
    this.#checksums.push(checksum);
    this.#types.push(type);
    this.#end = Math.max(this.#end, offset + 1);
    return true;
  }
}

const lineKey = (offset: number, checksum: number, type: string): string => `${offset}:${checksum}:${type}`;
