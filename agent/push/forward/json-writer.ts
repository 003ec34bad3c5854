import { isUtf8 } from "node:buffer";
import { extensionTime } from "./event-time.ts";
import type { Head, MsgpackReader } from "./msgpack.ts";

/** Deeper values are no logs, and would exhaust the stack of whoever parses them. */
const MAX_DEPTH = 100;

/** A longer buffer is not kept for the next value. */
const KEPT_BYTES = 2 ** 20;

const [QUOTE, BACKSLASH, COMMA, COLON, MAP, MAP_END, LIST, LIST_END] = Buffer.from('"\\,:{}[]');

/** What becomes of each byte of a string: itself, a character after a backslash, or one of these. */
const PLAIN = 0;
const CONTROL = 1;
const NOT_ASCII = 2;
const ESCAPES = Uint8Array.from({ length: 256 }, (_, byte) => {
  if (byte >= 0x80) return NOT_ASCII;
  const escaped = JSON.stringify(String.fromCharCode(byte)).slice(1, -1);
  return escaped.length === 1 ? PLAIN : escaped.length === 2 ? escaped.charCodeAt(1) : CONTROL;
});
/** `\u001f` */
const ESCAPE_MAX_BYTES = 6;
const CONTROLS = Array.from({ length: 0x20 }, (_, byte) => `\\u${byte.toString(16).padStart(4, "0")}`);

/** Thrown where a line is as long as it may be: what is left of its value need not be looked at. */
export const FULL = Symbol("the line is full");

/**
 * Writes MessagePack values as JSON, from bytes to bytes: nothing is made of what is in between, integers keep
 * all their digits, maps the order and all of their keys.
 *
 * JSON has no bytes, so those that are not UTF-8 become `base64:` and their base64; an event time
 * becomes ISO 8601; another extension becomes `ext:<type>:` and its base64; NaN and infinities become null.
 * A map or array that is a key, or is nested too deep, becomes `msgpack:` and its base64: each level of keys
 * would escape all of those within it once more.
 *
 * It writes little more than its limit and then throws FULL: no more than a line may hold is worth its time.
 */
export class JsonWriter {
  #bytes = Buffer.allocUnsafe(KEPT_BYTES >> 4);
  #at = 0;
  #limit = Infinity;
  /** Bytes of the value that made it full which are not written. */
  unread = 0;

  /** How much is written. */
  get length(): number {
    return this.#at;
  }

  /** Good until more is written. */
  written(from = 0): Buffer {
    return this.#bytes.subarray(from, this.#at);
  }

  /** @param text of ASCII */
  startsWith(text: string, from: number): boolean {
    for (let i = 0; i < text.length; i++) if (this.#bytes[from + i] !== text.charCodeAt(i)) return false;
    return true;
  }

  /** Forgets what was written. @param limit of bytes that are worth to be written from now on */
  clear(limit = Infinity): void {
    this.#at = 0;
    this.#limit = limit;
    this.unread = 0;
    if (this.#bytes.length > KEPT_BYTES) this.#bytes = Buffer.allocUnsafe(KEPT_BYTES);
  }

  /** Puts a byte in the place of one that was written. */
  replace(at: number, byte: number): void {
    this.#bytes[at] = byte;
  }

  /** @param text of ASCII */
  ascii(text: string): void {
    this.#reserve(text.length);
    for (let i = 0; i < text.length; i++) this.#bytes[this.#at++] = text.charCodeAt(i);
  }

  /** The next value. @throws ForwardError, FULL */
  value(reader: MsgpackReader, depth = 0, isKey = false): void {
    if (this.#at > this.#limit) throw FULL;
    const head = reader.peek();
    switch (head.kind) {
      case "map":
      case "array":
        return isKey || depth > MAX_DEPTH ? this.#packed(reader) : this.#container(reader, head, depth);
      case "str":
      case "bin": {
        const start = reader.pass(head);
        return this.#string(reader.window, start, Math.min(start + head.size, reader.window.length));
      }
      case "int":
      case "uint":
      case "float":
        return this.ascii(numberText(reader.number()));
      case "ext":
        return this.#extension(reader.window, reader.pass(head), head);
      case "nil":
        reader.pass(head);
        return this.ascii("null");
      case "true":
      case "false":
      default:
        reader.pass(head);
        return this.ascii(head.kind);
    }
  }

  #container(reader: MsgpackReader, { kind, size, headBytes }: Head, depth: number): void {
    const isMap = kind === "map";
    reader.at += headBytes;
    this.#byte(isMap ? MAP! : LIST!);
    for (let n = 0; n < size; n++) {
      if (n > 0) this.#byte(COMMA!);
      if (isMap) this.field(reader, depth);
      else this.value(reader, depth + 1);
    }
    this.#byte(isMap ? MAP_END! : LIST_END!);
  }

  /**
   * The next key and its value. A key that is a number or the like is written as the JSON it would be.
   *
   * @param depth of the map @throws ForwardError, FULL
   */
  field(reader: MsgpackReader, depth: number): void {
    const start = this.#at;
    this.value(reader, depth + 1, true);
    if (this.#bytes[start] !== QUOTE) {
      const key = this.#bytes.toString("latin1", start, this.#at);
      this.#at = start;
      this.ascii(`"${key}"`);
    }
    this.#byte(COLON!);
    this.value(reader, depth + 1);
  }

  /** Bytes, written out between quotes. @param prefix of ASCII that tells what they are */
  base64(prefix: string, window: Buffer, start: number, end: number): void {
    const kept = Math.min(end, start + this.#room);
    this.ascii(`"${prefix}`);
    const base64 = window.toString("base64", start, kept);
    this.#reserve(base64.length);
    this.#at += this.#bytes.write(base64, this.#at, "latin1");
    if (kept < end) this.#full(end - kept);
    this.#byte(QUOTE!);
  }

  #packed(reader: MsgpackReader): void {
    const start = reader.at;
    reader.skip();
    this.base64("msgpack:", reader.window, start, reader.at);
  }

  #extension(window: Buffer, at: number, head: Head): void {
    const time = extensionTime(window, at, head);
    if (time === undefined) this.base64(`ext:${window.readInt8(at - 1)}:`, window, at, at + head.size);
    else this.ascii(`"${time.toString()}"`);
  }

  /** Bytes that are worth to be read of what follows: each becomes one at least. */
  get #room(): number {
    return Math.max(0, this.#limit - this.#at) + 1;
  }

  #byte(byte: number): void {
    this.#reserve(1);
    this.#bytes[this.#at++] = byte;
  }

  /** Of a string in UTF-8: its bytes are those of JSON, but for the few that are escaped. */
  #string(window: Buffer, start: number, whole: number): void {
    const end = whole - start < this.#limit - this.#at ? whole : Math.min(whole, start + this.#room);
    this.#reserve(2 + ESCAPE_MAX_BYTES * (end - start));
    const bytes = this.#bytes;
    let at = this.#at;
    let isAscii = true;
    bytes[at++] = QUOTE!;
    for (let i = start; i < end; i++) {
      const byte = window[i]!;
      const escape = ESCAPES[byte]!;
      if (escape === PLAIN) bytes[at++] = byte;
      else if (escape === NOT_ASCII) {
        if (isAscii && !isUtf8(window.subarray(start, whole)))
          return this.base64("base64:", window, start, whole);
        isAscii = false;
        bytes[at++] = byte;
      } else if (escape === CONTROL) {
        at += bytes.write(CONTROLS[byte]!, at, "latin1");
      } else {
        bytes[at++] = BACKSLASH!;
        bytes[at++] = escape;
      }
    }
    // There is room for it.
    if (end === whole) bytes[at++] = QUOTE!;
    this.#at = at;
    if (end < whole) this.#full(whole - end);
  }

  #full(unread: number): never {
    this.unread = unread;
    throw FULL;
  }

  #reserve(bytes: number): void {
    const needed = this.#at + bytes;
    if (needed <= this.#bytes.length) return;
    const grown = Buffer.allocUnsafe(Math.max(needed, 2 * this.#bytes.length));
    this.#bytes.copy(grown, 0, 0, this.#at);
    this.#bytes = grown;
  }
}

function numberText(number: number | bigint): string {
  return typeof number === "bigint" || Number.isFinite(number) ? `${number}` : "null";
}
