import { isUtf8 } from "node:buffer";
import { eventTime } from "./event-time.ts";
import { ForwardError } from "./forward-error.ts";
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

/**
 * Writes MessagePack values as JSON, from bytes to bytes: nothing is made of what is in between, integers keep
 * all their digits, maps the order and all of their keys.
 *
 * JSON has no bytes, so those that are not UTF-8 become `base64:` and their base64; an event time
 * becomes ISO 8601; another extension becomes `ext:<type>:` and its base64; NaN and infinities become null.
 */
export class JsonWriter {
  #bytes = Buffer.allocUnsafe(KEPT_BYTES >> 4);
  #at = 0;

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

  /** Forgets what was written. */
  clear(): void {
    this.#at = 0;
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

  /** The next value. @throws ForwardError */
  value(reader: MsgpackReader, depth = 0): void {
    if (depth > MAX_DEPTH) throw new ForwardError("MALFORMED", `nested deeper than ${MAX_DEPTH}`);
    const head = reader.peek();
    switch (head.kind) {
      case "map":
        reader.enter("map");
        this.#byte(MAP!);
        for (let n = 0; n < head.size; n++) {
          if (n > 0) this.#byte(COMMA!);
          this.field(reader, depth);
        }
        return this.#byte(MAP_END!);
      case "array":
        reader.enter("array");
        this.#byte(LIST!);
        for (let n = 0; n < head.size; n++) {
          if (n > 0) this.#byte(COMMA!);
          this.value(reader, depth + 1);
        }
        return this.#byte(LIST_END!);
      case "str":
      case "bin": {
        const start = reader.pass(head);
        return this.#string(reader.window, start, start + head.size);
      }
      case "int":
      case "uint":
      case "float":
        return this.ascii(numberText(reader.number()));
      case "ext":
        return this.ascii(`"${extensionText(reader.window, reader.pass(head), head)}"`);
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

  /**
   * The next key and its value. A key that is no string is written as the JSON it would be.
   *
   * @param depth of the map @throws ForwardError
   */
  field(reader: MsgpackReader, depth: number): void {
    const start = this.#at;
    this.value(reader, depth + 1);
    if (this.#bytes[start] !== QUOTE) {
      const key = this.#bytes.toString("utf8", start, this.#at);
      this.#at = start;
      this.#text(key);
    }
    this.#byte(COLON!);
    this.value(reader, depth + 1);
  }

  #byte(byte: number): void {
    this.#reserve(1);
    this.#bytes[this.#at++] = byte;
  }

  /** Of a string in UTF-8: its bytes are those of JSON, but for the few that are escaped. */
  #string(window: Buffer, start: number, end: number): void {
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
        if (isAscii && !isUtf8(window.subarray(start, end))) {
          return this.ascii(`"base64:${window.toString("base64", start, end)}"`);
        }
        isAscii = false;
        bytes[at++] = byte;
      } else if (escape === CONTROL) {
        at += bytes.write(`\\u${byte.toString(16).padStart(4, "0")}`, at, "latin1");
      } else {
        bytes[at++] = BACKSLASH!;
        bytes[at++] = escape;
      }
    }
    bytes[at++] = QUOTE!;
    this.#at = at;
  }

  #text(text: string): void {
    const json = Buffer.from(JSON.stringify(text));
    this.#reserve(json.length);
    this.#at += json.copy(this.#bytes, this.#at);
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

function extensionText(window: Buffer, at: number, head: Head): string {
  const time = eventTime(window, at, head);
  if (time !== undefined) return time.toString();
  return `ext:${window.readInt8(at - 1)}:${window.toString("base64", at, at + head.size)}`;
}
