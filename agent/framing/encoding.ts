import { isAscii } from "node:buffer";
import { TextDecoder } from "node:util";
import { LINE_FEED, LineFeed } from "./line-feed.ts";

/** No character has more bytes, and no escape sequence of ISO-2022-JP. */
const CHARACTER_MAX_BYTES = 4;

/** Text of n bytes takes at most 3n of UTF-8: half-width katakana do in Shift_JIS, and what stands for a stray byte. */
export const GROWTH_MAX = 3;

/** What a file may begin with to tell its encoding: no text. */
const BYTE_ORDER_MARKS: ReadonlyMap<string, Buffer> = new Map([
  ["utf-8", Buffer.of(0xef, 0xbb, 0xbf)],
  ["utf-16le", Buffer.of(0xff, 0xfe)],
  ["utf-16be", Buffer.of(0xfe, 0xff)],
]);

/**
 * Of all encodings that there are labels for, only in UTF-16 may the byte 0A be a part of another character.
 * https://encoding.spec.whatwg.org/#legacy-multi-byte-chinese-(simplified)-encodings and the sections after it,
 * read 2026-11-21
 */
const LINE_FEEDS: ReadonlyMap<string, LineFeed> = new Map([
  ["utf-16le", new LineFeed(Buffer.of(0x0a, 0))],
  ["utf-16be", new LineFeed(Buffer.of(0, 0x0a))],
]);

/** In which a file is written, by any of the labels that browsers know. */
export class Encoding {
  readonly name: string;
  readonly lineFeed: LineFeed;
  readonly byteOrderMark: Buffer | undefined;
  readonly #decoder: TextDecoder;
  readonly #strict: TextDecoder;
  readonly #isAsciiSuperset: boolean;

  static isKnown(label: string): boolean {
    try {
      return new TextDecoder(label).encoding !== "x-user-defined";
    } catch {
      return false;
    }
  }

  /** @throws RangeError for a label of none */
  constructor(label: string) {
    this.#decoder = new TextDecoder(label, { ignoreBOM: true });
    this.#strict = new TextDecoder(label, { ignoreBOM: true, fatal: true });
    this.name = this.#decoder.encoding;
    this.lineFeed = LINE_FEEDS.get(this.name) ?? LINE_FEED;
    this.byteOrderMark = BYTE_ORDER_MARKS.get(this.name);
    const ascii = Buffer.from(Array.from({ length: 128 }, (_, byte) => byte));
    this.#isAsciiSuperset = this.#decoder.decode(ascii) === ascii.toString("latin1");
  }

  /** The same text in UTF-8; what cannot be decoded becomes U+FFFD. */
  toUtf8(bytes: Buffer): Buffer {
    if (this.#isAsciiSuperset && isAscii(bytes)) return bytes;
    return Buffer.from(this.#decoder.decode(bytes), "utf8");
  }

  /** False when some of the bytes are no character. */
  canDecode(bytes: Buffer): boolean {
    try {
      this.#strict.decode(bytes);
      return true;
    } catch {
      return false;
    }
  }

  /** @returns how many of the bytes remain without the character that their end cuts through */
  wholeCharacters(bytes: Buffer): number {
    for (let left = bytes.length; left > bytes.length - CHARACTER_MAX_BYTES && left > 0; left--) {
      this.#decoder.decode(bytes.subarray(0, left), { stream: true });
      if (this.#decoder.decode() === "") return left;
    }
    return bytes.length < CHARACTER_MAX_BYTES ? 0 : bytes.length;
  }
}

/** Encoding that bytes that are sent as they stand are likely to be in. */
export const UTF_8 = new Encoding("utf-8");

/** The encoding that a byte order mark tells, of those whose lines do not end with the byte 0A alone. */
export function markedUtf16(head: Buffer): string | undefined {
  return [...LINE_FEEDS.keys()].find((name) => beginsWith(head, BYTE_ORDER_MARKS.get(name)!));
}

export function beginsWith(bytes: Buffer, mark: Buffer): boolean {
  return bytes.subarray(0, mark.length).equals(mark);
}
