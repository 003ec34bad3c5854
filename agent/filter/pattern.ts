/**
 * Patterns are matched against bytes, one character each (latin1): nothing is decoded, and a line that is
 * not UTF-8 matches like any other. A pattern's own characters are taken as their UTF-8 bytes, so text
 * matches text; only within brackets, as in [äö], each byte stands for itself.
 *
 * @throws SyntaxError
 */
export function bytePattern(source: string, flags = ""): RegExp {
  return new RegExp(Buffer.from(source, "utf8").toString("latin1"), flags);
}

/** The text of the window at hand, made once for all of its lines. */
export class WindowText {
  #window: Buffer | undefined;
  #text = "";

  /** Call when the window's bytes have changed. */
  clear(): void {
    this.#window = undefined;
  }

  slice(window: Buffer, start: number, end: number): string {
    if (window !== this.#window) {
      this.#window = window;
      this.#text = window.toString("latin1");
    }
    return this.#text.slice(start, end);
  }
}
