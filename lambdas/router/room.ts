/** A record made a batch larger than there is room for. Nothing of the batch may be used then. */
export class BatchFull extends Error {
  override name = "BatchFull";
}

/** What a batch may take of something while its records come in, in bytes. */
export class Room {
  readonly #of: string;
  readonly #maxBytes: number;
  #taken = 0;

  /** @param of named in the error */
  constructor(of: string, maxBytes: number) {
    this.#of = of;
    this.#maxBytes = maxBytes;
  }

  get taken(): number {
    return this.#taken;
  }

  /** @throws BatchFull */
  take(bytes: number): void {
    this.#taken += bytes;
    if (this.#taken > this.#maxBytes) throw new BatchFull(`more than ${this.#maxBytes} bytes of ${this.#of}`);
  }
}
