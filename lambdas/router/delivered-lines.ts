/**
 * Lines of a source that a batch has brought, by log type, offset and CRC-32 of their bytes. A line is a duplicate
 * only if its bytes are those that came before: on offsets alone, whoever claims a range first would keep the lines
 * out that are really there. Nor does a line of another type stand for it, as it does not from batch to batch.
 */
export class DeliveredLines {
  readonly #types = new Map<string, LinesOfType>();
  #last: LinesOfType | undefined;

  /** @returns false when the line came before */
  add(offset: number, checksum: number, type: string): boolean {
    if (this.#last?.type !== type) this.#last = this.#of(type);
    return this.#last.add(offset, checksum);
  }

  #of(type: string): LinesOfType {
    let lines = this.#types.get(type);
    if (lines === undefined) this.#types.set(type, (lines = new LinesOfType(type)));
    return lines;
  }
}

class LinesOfType {
  readonly type: string;
  readonly #offsets: number[] = [];
  readonly #checksums: number[] = [];
  /** Made for the first line that may have come before: most batches bring no line twice. */
  #known: Set<string> | undefined;
  #end = 0;

  constructor(type: string) {
    this.type = type;
  }

  add(offset: number, checksum: number): boolean {
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
