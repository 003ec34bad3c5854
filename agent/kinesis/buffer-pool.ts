/** Smaller ones are hardly worth keeping. */
const LEAST_BYTES = 2 ** 12;

/**
 * Buffers given back when they are done with. Megabytes left to the garbage collector stay resident until it looks,
 * and it looks seldom: they are not in its heap. Where it counts them, it looks often, for little.
 */
export class BufferPool {
  readonly #maxIdleBytes: number;
  readonly #idle = new Map<number, Buffer[]>();
  #idleBytes = 0;

  /** @param maxIdleBytes kept at most */
  constructor(maxIdleBytes: number) {
    this.#maxIdleBytes = maxIdleBytes;
  }

  /** Exactly so many bytes, of any content, of a buffer whose size is a power of two. */
  take(bytes: number): Buffer {
    const size = Math.max(LEAST_BYTES, 2 ** Math.ceil(Math.log2(bytes)));
    const idle = this.#idle.get(size)?.pop();
    if (idle) this.#idleBytes -= size;
    return (idle ?? Buffer.allocUnsafeSlow(size)).subarray(0, bytes);
  }

  /** @param buffer that was taken, and that nobody looks at any more */
  give({ buffer }: Buffer): void {
    const size = buffer.byteLength;
    if (size > this.#maxIdleBytes) return;
    // Some may be of sizes that are asked for no more.
    if (this.#idleBytes + size > this.#maxIdleBytes) this.#clear();
    const idle = this.#idle.get(size) ?? [];
    idle.push(Buffer.from(buffer, 0, size));
    this.#idle.set(size, idle);
    this.#idleBytes += size;
  }

  #clear(): void {
    this.#idle.clear();
    this.#idleBytes = 0;
  }
}
