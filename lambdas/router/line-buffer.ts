import type { Room } from "./room.ts";
import { LARGE_PIECE_BYTES, largePiece } from "./row-memory.ts";

/** A piece begins small, since there may be as many buffers as lines, and each next one is twice as large. */
const FIRST_PIECE_BYTES = 256;

/** Lines of one object to be, as bytes. */
export class LineBuffer {
  readonly #full: Buffer[] = [];
  #piece = Buffer.alloc(0);
  readonly #memory: Room;
  #at = 0;
  #lines = 0;

  constructor(memory: Room) {
    this.#memory = memory;
  }

  get lines(): number {
    return this.#lines;
  }

  /** @param line with its line feed */
  add(line: string): void {
    const out = this.room(Buffer.byteLength(line));
    this.added(this.#at + out.write(line, this.#at, "utf8"));
  }

  /** Where the next line begins in the buffer that `room` gives. */
  get at(): number {
    return this.#at;
  }

  /**
   * A buffer with room for so many bytes from `at` on. What is written there counts once `added` says so.
   *
   * @throws BatchFull
   */
  room(bytes: number): Buffer {
    if (this.#piece.length - this.#at < bytes) {
      if (this.#at > 0) this.#full.push(this.#piece.subarray(0, this.#at));
      const doubled = Math.min(Math.max(FIRST_PIECE_BYTES, this.#piece.length * 2), LARGE_PIECE_BYTES);
      const size = Math.max(doubled, bytes);
      this.#memory.take(size);
      this.#piece = size === LARGE_PIECE_BYTES ? largePiece() : Buffer.allocUnsafe(size);
      this.#at = 0;
    }
    return this.#piece;
  }

  /** Bytes that are left of the buffer that was asked for last. */
  get spare(): number {
    return this.#piece.length - this.#at;
  }

  /** @param rows lines with their line feeds, which `spare` has room for */
  addLines(rows: Uint8Array, lines: number): void {
    this.#piece.set(rows, this.#at);
    this.#at += rows.length;
    this.#lines += lines;
  }

  /** @param end offset after the line and its line feed */
  added(end: number): void {
    this.#at = end;
    this.#lines++;
  }

  /** Takes the lines of another, which must not be used any more. */
  append(other: LineBuffer): void {
    if (this.#at > 0) this.#full.push(this.#piece.subarray(0, this.#at));
    this.#full.push(...other.#full);
    this.#piece = other.#piece;
    this.#at = other.#at;
    this.#lines += other.#lines;
  }

  /** The lines' bytes, in the order they came. */
  pieces(): readonly Buffer[] {
    return [...this.#full, this.#piece.subarray(0, this.#at)];
  }
}
