import type { Entries, QuickLine } from "./entries.ts";
import { ForwardError } from "./forward-error.ts";
import { type LineData, lineOf, lineOfValues } from "./line.ts";
import { MsgpackReader } from "./msgpack.ts";
import { MsgpackFramer } from "./msgpack-framer.ts";

/** Entries [time, record] in MessagePack; or the only one of a Message, whose time and record stand by themselves. */
export class MsgpackEntries implements Entries {
  readonly framer: MsgpackFramer;
  malformed = 0;
  readonly #values: number;
  readonly #maxLineBytes: number;
  #left: number;
  #reader = new MsgpackReader(Buffer.alloc(0));

  /** @param count of entries; Infinity where they go on to the end of what they are in */
  static listed(count: number, maxLineBytes: number): MsgpackEntries {
    return new MsgpackEntries(count, 1, maxLineBytes);
  }

  static single(maxLineBytes: number): MsgpackEntries {
    return new MsgpackEntries(1, 2, maxLineBytes);
  }

  private constructor(count: number, values: number, maxLineBytes: number) {
    this.framer = new MsgpackFramer(values);
    this.#left = count;
    this.#values = values;
    this.#maxLineBytes = maxLineBytes;
  }

  seek(_window: Buffer, at: number): number {
    return at;
  }

  isEnd(): boolean {
    return this.#left === 0;
  }

  quick(window: Buffer, start: number): QuickLine | undefined {
    const reader = this.#readerAt(window, start);
    try {
      const line = this.#isPair(reader) ? lineOf(reader, window.length, this.#maxLineBytes) : undefined;
      if (line === undefined || line.missingBytes !== undefined) return undefined;
      this.#left--;
      return { data: line.data, end: reader.at };
    } catch (error) {
      if (error instanceof ForwardError) return undefined;
      throw error;
    }
  }

  line(window: Buffer, start: number, end: number): LineData {
    this.#left--;
    return this.#lineAt(this.#readerAt(window, start), start, end);
  }

  cutLine(window: Buffer): LineData {
    this.#left--;
    return this.#lineAt(new MsgpackReader(window, 0, true), 0, window.length);
  }

  #readerAt(window: Buffer, at: number): MsgpackReader {
    if (this.#reader.window !== window) this.#reader = new MsgpackReader(window);
    this.#reader.at = at;
    return this.#reader;
  }

  #lineAt(reader: MsgpackReader, start: number, end: number): LineData {
    const line = this.#isPair(reader) ? lineOf(reader, end, this.#maxLineBytes) : undefined;
    if (line !== undefined) return line;
    this.malformed++;
    reader.at = start;
    return lineOfValues(reader, this.#values, end, this.#maxLineBytes);
  }

  #isPair(reader: MsgpackReader): boolean {
    if (this.#values > 1) return true;
    const { kind, size, headBytes } = reader.peek();
    reader.at += headBytes;
    return kind === "array" && size === 2;
  }
}
