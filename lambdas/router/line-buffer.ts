/** Text is encoded in pieces of this size: small enough for the young generation, large enough to be few. */
const PIECE_CHARS = 64 * 1_024;

/** Lines of one object to be. */
export class LineBuffer {
  readonly #pieces: Buffer[] = [];
  #text = "";
  #lines = 0;

  get lines(): number {
    return this.#lines;
  }

  /** @param line with its line feed */
  add(line: string): void {
    this.#text += line;
    this.#lines++;
    if (this.#text.length >= PIECE_CHARS) this.#encode();
  }

  /** The lines' bytes, in the order they came. */
  pieces(): readonly Buffer[] {
    if (this.#text !== "") this.#encode();
    return this.#pieces;
  }

  #encode(): void {
    this.#pieces.push(Buffer.from(this.#text));
    this.#text = "";
  }
}
