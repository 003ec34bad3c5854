import type { Encoding } from "./encoding.ts";

const REPLACEMENT = Buffer.from("\u{fffd}");

/** The text that patterns are matched against: one character for each byte of the text in UTF-8. */
export interface LineText {
  /** Call when the window's bytes have changed. */
  clear(): void;
  slice(window: Buffer, start: number, end: number): string;
}

/** The text of the window at hand, made once for all of its lines: its bytes as they stand. */
export class WindowText implements LineText {
  #window: Buffer | undefined;
  #text = "";

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

/** The lines of a file in another encoding, each converted once for all who ask in a row. */
export class ConvertedText implements LineText {
  readonly #encoding: Encoding;
  #window: Buffer | undefined;
  #start = 0;
  #end = 0;
  #utf8: Buffer = REPLACEMENT;
  #hasReplacement = false;

  constructor(encoding: Encoding) {
    this.#encoding = encoding;
  }

  clear(): void {
    this.#window = undefined;
  }

  slice(window: Buffer, start: number, end: number): string {
    return this.utf8(window, start, end).toString("latin1");
  }

  utf8(window: Buffer, start: number, end: number): Buffer {
    if (window !== this.#window || start !== this.#start || end !== this.#end) {
      this.#window = window;
      this.#start = start;
      this.#end = end;
      const bytes = window.subarray(start, end);
      this.#utf8 = this.#encoding.toUtf8(bytes);
      this.#hasReplacement = this.#utf8 !== bytes && this.#utf8.includes(REPLACEMENT);
    }
    return this.#utf8;
  }

  /** Some of a line's bytes are no character. */
  isDamaged(window: Buffer, start: number, end: number): boolean {
    this.utf8(window, start, end);
    // A file may hold the replacement character itself.
    return this.#hasReplacement && !this.#encoding.canDecode(window.subarray(start, end));
  }
}
