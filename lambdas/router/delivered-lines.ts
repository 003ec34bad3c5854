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

  /** Whether lines from `offset` on are sure to be new. */
  isPast(offset: number, type: string): boolean {
    return offset >= (this.#types.get(type)?.end ?? 0);
  }

  /**
   * Takes note of lines that are new, in order of their offsets.
   *
   * @param checksums may be filled in until the next call
   */
  addAll(offsets: Float64Array, checksums: Uint32Array, type: string): void {
    if (this.#last?.type !== type) this.#last = this.#of(type);
    this.#last.addAll(offsets, checksums);
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
  /** Lines that came in runs and are not among the known. */
  #runs: { readonly offsets: Float64Array; readonly checksums: Uint32Array }[] = [];
  /** Made for the first line that may have come before: most batches bring no line twice. */
  #known: Set<string> | undefined;
  #end = 0;

  constructor(type: string) {
    this.type = type;
  }

  /** No line begins here or after it. */
  get end(): number {
    return this.#end;
  }

  add(offset: number, checksum: number): boolean {
    if (offset < this.#end && this.#isKnown(lineKey(offset, checksum))) return false;
    this.#known?.add(lineKey(offset, checksum));
    this.#offsets.push(offset);
    this.#checksums.push(checksum);
    this.#end = Math.max(this.#end, offset + 1);
    return true;
  }

  addAll(offsets: Float64Array, checksums: Uint32Array): void {
    this.#runs.push({ offsets, checksums });
    this.#end = offsets.at(-1)! + 1;
  }

  #isKnown(key: string): boolean {
    this.#known ??= new Set(keysOf(this.#offsets, this.#checksums));
    for (const { offsets, checksums } of this.#runs)
      for (const key of keysOf(offsets, checksums)) this.#known.add(key);
    this.#runs = [];
    return this.#known.has(key);
  }
}

function* keysOf(offsets: ArrayLike<number>, checksums: ArrayLike<number>): Generator<string> {
  for (let i = 0; i < offsets.length; i++) yield lineKey(offsets[i]!, checksums[i]!);
}

const lineKey = (offset: number, checksum: number): string => `${offset}:${checksum}`;
