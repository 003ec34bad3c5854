export const BLOCK_BYTES = 64;

/** A message of an MD5 that is read block by block: its whole blocks, then its last bytes with the padding. */
export class Lane {
  #part: Buffer;
  #padded: Buffer | undefined;

  constructor(message: Buffer) {
    const whole = message.length - (message.length % BLOCK_BYTES);
    const rest = message.length - whole;
    const padded = Buffer.alloc(rest + 9 > BLOCK_BYTES ? 2 * BLOCK_BYTES : BLOCK_BYTES);
    message.copy(padded, 0, whole);
    padded[rest] = 0x80;
    padded.writeBigUInt64LE(BigInt(message.length) * 8n, padded.length - 8);
    this.#part = whole > 0 ? message.subarray(0, whole) : padded;
    this.#padded = whole > 0 ? padded : undefined;
  }

  get isDone(): boolean {
    return this.#part.length === 0;
  }

  /** Bytes that can be copied at once. */
  get ready(): number {
    return this.#part.length;
  }

  copy(to: Buffer, at: number, bytes: number): void {
    this.#part.copy(to, at, 0, Math.min(bytes, this.#part.length));
    this.#part = this.#part.subarray(bytes);
    if (this.isDone && this.#padded) {
      this.#part = this.#padded;
      this.#padded = undefined;
    }
  }
}
