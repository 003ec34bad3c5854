import { ForwardError } from "./forward-error.ts";

/**
 * MessagePack, as far as the forward protocol needs it: no value is built that is not wanted, and
 * nothing is trusted. source: https://github.com/msgpack/msgpack/blob/master/spec.md, read 2026-11
 *
 *   00-7f fixint   80-8f fixmap   90-9f fixarray  a0-bf fixstr   c0 nil        c2 c3 false true
 *   c4-c6 bin      c7-c9 ext      ca cb float     cc-cf uint     d0-d3 int     d4-d8 fixext
 *   d9-db str      dc dd array    de df map       e0-ff negative fixint        c1 is never used
 */
type Kind = "nil" | "false" | "true" | "int" | "uint" | "float" | "str" | "bin" | "ext" | "array" | "map";

/** What a value begins with. */
export interface Head {
  readonly kind: Kind;
  /** Bytes of a number, string, binary or extension; entries of an array or map. */
  readonly size: number;
  /** Bytes before them, the extension's type included. */
  readonly headBytes: number;
}

const FIXED: readonly (readonly [Kind, sizeBytes: number, size: number] | undefined)[] = [
  /* c0 */ ["nil", 0, 0],
  undefined,
  ["false", 0, 0],
  ["true", 0, 0],
  /* c4 */ ["bin", 1, 0],
  ["bin", 2, 0],
  ["bin", 4, 0],
  /* c7 */ ["ext", 1, 0],
  ["ext", 2, 0],
  ["ext", 4, 0],
  /* ca */ ["float", 0, 4],
  ["float", 0, 8],
  /* cc */ ["uint", 0, 1],
  ["uint", 0, 2],
  ["uint", 0, 4],
  ["uint", 0, 8],
  /* d0 */ ["int", 0, 1],
  ["int", 0, 2],
  ["int", 0, 4],
  ["int", 0, 8],
  /* d4 */ ["ext", 0, 1],
  ["ext", 0, 2],
  ["ext", 0, 4],
  ["ext", 0, 8],
  ["ext", 0, 16],
  /* d9 */ ["str", 1, 0],
  ["str", 2, 0],
  ["str", 4, 0],
  /* dc */ ["array", 2, 0],
  ["array", 4, 0],
  /* de */ ["map", 2, 0],
  ["map", 4, 0],
];

/** @returns undefined when its bytes are not all there yet @throws ForwardError MALFORMED */
export function readHead(bytes: Buffer, at: number): Head | undefined {
  const first = bytes[at];
  if (first === undefined) return undefined;
  // The number is in the first byte itself.
  if (first < 0x80 || first >= 0xe0) return { kind: "int", size: 1, headBytes: 0 };
  if (first < 0x90) return { kind: "map", size: first & 0x0f, headBytes: 1 };
  if (first < 0xa0) return { kind: "array", size: first & 0x0f, headBytes: 1 };
  if (first < 0xc0) return { kind: "str", size: first & 0x1f, headBytes: 1 };
  const entry = FIXED[first - 0xc0];
  if (entry === undefined) throw new ForwardError("MALFORMED", "byte c1 is not MessagePack");
  const [kind, sizeBytes, fixedSize] = entry;
  const headBytes = 1 + sizeBytes + (kind === "ext" ? 1 : 0);
  if (at + headBytes > bytes.length) return undefined;
  return { kind, headBytes, size: sizeBytes === 0 ? fixedSize : bytes.readUIntBE(at + 1, sizeBytes) };
}

/** Values that a value holds directly. */
function children({ kind, size }: Head): number {
  return kind === "array" ? size : kind === "map" ? 2 * size : 0;
}

function payloadBytes(head: Head): number {
  return head.kind === "array" || head.kind === "map" ? 0 : head.size;
}

/** Extension values as they are: the protocol knows one of them. */
export interface Extension {
  readonly type: number;
  readonly data: Buffer;
}

/** Reads values one after another and refuses to leave its bytes. */
export class MsgpackReader {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  get done(): boolean {
    return this.#at >= this.#bytes.length;
  }

  /** The next value's head; the value itself stays to be read. @throws ForwardError TRUNCATED, MALFORMED */
  peek(): Head {
    const head = readHead(this.#bytes, this.#at);
    // Every entry takes a byte at least: a count beyond that is a lie, and a loop over it would be long.
    const least = head && head.headBytes + payloadBytes(head) + children(head);
    if (head === undefined || least! > this.#bytes.length - this.#at) {
      throw new ForwardError("TRUNCATED", "a MessagePack value runs past the end");
    }
    return head;
  }

  /** @returns the number of entries @throws ForwardError MALFORMED when it is something else */
  enter(kind: "array" | "map"): number {
    const head = this.peek();
    if (head.kind !== kind) throw new ForwardError("MALFORMED", `${head.kind} where ${kind} is due`);
    this.#at += head.headBytes;
    return head.size;
  }

  /** A number; a bigint where a number would not be exact. */
  number(): number | bigint {
    const { kind, size, headBytes } = this.peek();
    const bytes = this.#bytes;
    if (headBytes === 0) return bytes.readInt8(this.#at++);
    const at = this.#at + headBytes;
    if (kind === "float") {
      this.#at = at + size;
      return size === 4 ? bytes.readFloatBE(at) : bytes.readDoubleBE(at);
    }
    if (kind !== "int" && kind !== "uint")
      throw new ForwardError("MALFORMED", `${kind} where a number is due`);
    this.#at = at + size;
    if (size < 8) return kind === "int" ? bytes.readIntBE(at, size) : bytes.readUIntBE(at, size);
    const big = kind === "int" ? bytes.readBigInt64BE(at) : bytes.readBigUInt64BE(at);
    return BigInt.asIntN(54, big) === big ? Number(big) : big;
  }

  /** The bytes of a string or binary: clients use either for text. */
  bytes(): Buffer {
    const { kind, size, headBytes } = this.peek();
    if (kind !== "str" && kind !== "bin")
      throw new ForwardError("MALFORMED", `${kind} where a string is due`);
    const start = this.#at + headBytes;
    this.#at = start + size;
    return this.#bytes.subarray(start, this.#at);
  }

  extension(): Extension {
    const { kind, size, headBytes } = this.peek();
    if (kind !== "ext") throw new ForwardError("MALFORMED", `${kind} where an extension is due`);
    const start = this.#at + headBytes;
    this.#at = start + size;
    return { type: this.#bytes.readInt8(start - 1), data: this.#bytes.subarray(start, this.#at) };
  }

  /** Passes over the next value, however deep. @returns its bytes */
  skip(): Buffer {
    const start = this.#at;
    for (let left = 1; left > 0; left--) {
      const head = this.peek();
      this.#at += Math.max(1, head.headBytes + payloadBytes(head));
      left += children(head);
    }
    return this.#bytes.subarray(start, this.#at);
  }
}

/**
 * Finds where values end in a stream that comes in pieces. It remembers how many values are still
 * due, not the values, so each byte is looked at once and depth costs nothing.
 */
export class MsgpackFramer {
  #left = 1;
  #at = 0;

  /**
   * @param bytes of the stream from the beginning of a value; the same and more at the next call
   * @returns where the value ends, undefined when it does not yet
   * @throws ForwardError MALFORMED
   */
  end(bytes: Buffer): number | undefined {
    while (this.#left > 0) {
      const head = readHead(bytes, this.#at);
      if (head === undefined) return undefined;
      this.#left += children(head) - 1;
      this.#at += Math.max(1, head.headBytes + payloadBytes(head));
    }
    if (this.#at > bytes.length) return undefined;
    const end = this.#at;
    this.#left = 1;
    this.#at = 0;
    return end;
  }

  /** Bytes that the value has at least, by what is known of it. */
  get leastBytes(): number {
    return this.#at + this.#left;
  }
}
