/** A piece begins small, since there may be thousands of buffers, and each next one is twice as large. */
const FIRST_PIECE_BYTES = 4 * 1_024;
const LARGEST_PIECE_BYTES = 1_024 * 1_024;

/** Lines of one object to be, as bytes. */
export class LineBuffer {
  readonly #full: Buffer[] = [];
  #piece = Buffer.alloc(0);
  #at = 0;
  #lines = 0;

  get lines(): number {
    return this.#lines;
  }

  /** @param line with its line feed */
  add(line: string): void {
    // A UTF-16 unit takes three bytes of UTF-8 at most.
    const out = this.room(line.length * 3);
    this.added(this.#at + out.write(line, this.#at, "utf8"));
  }

  /** Where the next line begins in the buffer that `room` gives. */
  get at(): number {
    return this.#at;
  }

  /** A buffer with room for so many bytes from `at` on. What is written there counts once `added` says so. */
  room(bytes: number): Buffer {
    if (this.#piece.length - this.#at < bytes) {
      if (this.#at > 0) this.#full.push(this.#piece.subarray(0, this.#at));
      const doubled = Math.min(Math.max(FIRST_PIECE_BYTES, this.#piece.length * 2), LARGEST_PIECE_BYTES);
      this.#piece = Buffer.allocUnsafe(Math.max(doubled, bytes));
      this.#at = 0;
    }
    return this.#piece;
  }

  /** @param end offset after the line and its line feed */
  added(end: number): void {
    this.#at = end;
    this.#lines++;
  }

  /** The lines' bytes, in the order they came. */
  pieces(): readonly Buffer[] {
    return [...this.#full, this.#piece.subarray(0, this.#at)];
  }
}
