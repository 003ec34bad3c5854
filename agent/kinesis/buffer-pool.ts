/**
 * Buffers of one size, given back when they are done with. Megabytes left to the garbage collector stay
 * resident until it looks, and it looks seldom: they are not in its heap.
 */
export class BufferPool {
  readonly #size: number;
  readonly #maxIdle: number;
  readonly #idle: Buffer[] = [];

  /**
   * @param size of the largest that are reused
   * @param maxIdle kept at most
   */
  constructor(size: number, maxIdle: number) {
    this.#size = size;
    this.#maxIdle = maxIdle;
  }

  /** Exactly so many bytes, of any content. What fills less than half of a buffer gets one of its own. */
  take(bytes: number): Buffer {
    if (bytes > this.#size || bytes < this.#size / 2) return Buffer.allocUnsafeSlow(bytes);
    return (this.#idle.pop() ?? Buffer.allocUnsafeSlow(this.#size)).subarray(0, bytes);
  }

  /** @param buffer that nobody looks at any more */
  give({ buffer }: Buffer): void {
    if (buffer.byteLength === this.#size && this.#idle.length < this.#maxIdle) {
      this.#idle.push(Buffer.from(buffer, 0, this.#size));
    }
  }
}
