import { ForwardError } from "./forward-error.ts";

/** What all connections together may hold of messages that are not complete. */
export class ByteBudget {
  readonly #maxBytes: number;
  #bytes = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** @throws ForwardError CROWDED: were it to wait, connections could wait for one another for ever */
  change(bytes: number): void {
    if (bytes > 0 && this.#bytes + bytes > this.#maxBytes) {
      throw new ForwardError("CROWDED", `connections hold ${this.#bytes} bytes of incomplete messages`);
    }
    this.#bytes += bytes;
  }
}

/** Bytes of a stream that are not done with, one after another however they came. */
export class PendingBytes {
  readonly #budget: ByteBudget;
  #buffer: Buffer = Buffer.alloc(0);
  #start = 0;
  #end = 0;

  constructor(budget: ByteBudget) {
    this.#budget = budget;
  }

  get bytes(): Buffer {
    return this.#buffer.subarray(this.#start, this.#end);
  }

  /** @throws ForwardError CROWDED */
  append(chunk: Buffer): void {
    this.#budget.change(chunk.length);
    const length = this.#end - this.#start;
    if (length === 0) {
      [this.#buffer, this.#start, this.#end] = [chunk, 0, chunk.length];
      return;
    }
    if (this.#end + chunk.length > this.#buffer.length)
      this.#moveTo(Math.max(length + chunk.length, 2 * length));
    this.#end += chunk.copy(this.#buffer, this.#end);
  }

  /** The first bytes. What was taken is never written over. */
  take(length: number): Buffer {
    const taken = this.bytes.subarray(0, length);
    this.#start += length;
    this.#budget.change(-length);
    // The budget counts what waits, so there must not be much more that is held.
    if (4 * this.bytes.length <= this.#buffer.length) this.#moveTo(this.bytes.length);
    return taken;
  }

  clear(): void {
    this.take(this.bytes.length);
  }

  #moveTo(capacity: number): void {
    const { bytes } = this;
    this.#buffer = Buffer.allocUnsafe(capacity);
    this.#end = bytes.copy(this.#buffer);
    this.#start = 0;
  }
}
