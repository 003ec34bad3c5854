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
  /** Bytes before the payload, an extension's type included. */
  readonly headBytes: number;
  /** Of the size, where it is written out. */
  readonly sizeBytes: number;
  /** Bytes of a number, string, binary or extension; entries of an array or map. */
  readonly size: number;
}

/** Of a number that is in the first byte itself. */
const SMALL_INT: Head = { kind: "int", headBytes: 0, sizeBytes: 0, size: 1 };

/** By a value's first byte. Most heads are no more than that, and need not be made. */
const HEADS: readonly (Head | undefined)[] = [
  ...Array.from({ length: 0x80 }, () => SMALL_INT),
  ...heads("map", 0x10, 0, (n) => n),
  ...heads("array", 0x10, 0, (n) => n),
  ...heads("str", 0x20, 0, (n) => n),
  ...heads("nil", 1),
  undefined,
  ...heads("false", 1),
  ...heads("true", 1),
  ...heads("bin", 3, 1),
  ...heads("ext", 3, 1),
  ...heads("float", 2, 0, (n) => 4 << n),
  ...heads("uint", 4, 0, (n) => 1 << n),
  ...heads("int", 4, 0, (n) => 1 << n),
  ...heads("ext", 5, 0, (n) => 1 << n),
  ...heads("str", 3, 1),
  ...heads("array", 2, 2),
  ...heads("map", 2, 2),
  ...Array.from({ length: 0x20 }, () => SMALL_INT),
];

/** @param firstSizeBytes of the first of them; it doubles from one to the next */
function heads(kind: Kind, count: number, firstSizeBytes = 0, size = (_n: number): number => 0): Head[] {
  return Array.from({ length: count }, (_, n): Head => {
    const sizeBytes = firstSizeBytes << n;
    return { kind, headBytes: 1 + sizeBytes + (kind === "ext" ? 1 : 0), sizeBytes, size: size(n) };
  });
}

/** @returns undefined when its bytes are not all there yet @throws ForwardError MALFORMED */
export function readHead(bytes: Buffer, at: number): Head | undefined {
  if (at >= bytes.length) return undefined;
  const head = HEADS[bytes[at]!];
  if (head === undefined) throw new ForwardError("MALFORMED", "byte c1 is not MessagePack");
  const { kind, headBytes, sizeBytes } = head;
  if (at + headBytes > bytes.length) return undefined;
  if (sizeBytes === 0) return head;
  return { kind, headBytes, sizeBytes, size: bytes.readUIntBE(at + 1, sizeBytes) };
}

/** Values that a value holds directly. */
export function children({ kind, size }: Head): number {
  return kind === "array" ? size : kind === "map" ? 2 * size : 0;
}

export function payloadBytes(head: Head): number {
  return head.kind === "array" || head.kind === "map" ? 0 : head.size;
}

/** Reads values one after another and refuses to leave its bytes. */
export class MsgpackReader {
  readonly window: Buffer;
  /** Where the next value begins. */
  at: number;
  readonly isCutOff: boolean;

  /** @param isCutOff the last value is not all there: what there is of a string or a list may be read */
  constructor(bytes: Buffer, at = 0, isCutOff = false) {
    this.window = bytes;
    this.at = at;
    this.isCutOff = isCutOff;
  }

  get done(): boolean {
    return this.at >= this.window.length;
  }

  /** The next value's head; the value itself stays to be read. @throws ForwardError TRUNCATED, MALFORMED */
  peek(): Head {
    const head = readHead(this.window, this.at);
    // Every entry takes a byte at least: a count beyond that is a lie, and a loop over it would be long.
    const least = head && head.headBytes + payloadBytes(head) + children(head);
    if (head === undefined || (least! > this.window.length - this.at && !this.#isPart(head))) {
      throw new ForwardError("TRUNCATED", "a MessagePack value runs past the end");
    }
    return head;
  }

  #isPart({ kind }: Head): boolean {
    return this.isCutOff && (kind === "str" || kind === "bin" || kind === "array" || kind === "map");
  }

  /** @returns the number of entries @throws ForwardError MALFORMED when it is something else */
  enter(kind: "array" | "map"): number {
    const head = this.peek();
    if (head.kind !== kind) throw new ForwardError("MALFORMED", `${head.kind} where ${kind} is due`);
    this.at += head.headBytes;
    return head.size;
  }

  /** Passes over a value that holds no others. @returns where its payload begins in `window` */
  pass({ headBytes, size }: Head): number {
    const start = this.at + headBytes;
    this.at = start + size;
    return start;
  }

  /** A number; a bigint where a number would not be exact. */
  number(): number | bigint {
    const head = this.peek();
    const { kind, size } = head;
    const bytes = this.window;
    const at = this.pass(head);
    if (kind === "float") return size === 4 ? bytes.readFloatBE(at) : bytes.readDoubleBE(at);
    if (kind !== "int" && kind !== "uint")
      throw new ForwardError("MALFORMED", `${kind} where a number is due`);
    if (size < 8) return kind === "int" ? bytes.readIntBE(at, size) : bytes.readUIntBE(at, size);
    const big = kind === "int" ? bytes.readBigInt64BE(at) : bytes.readBigUInt64BE(at);
    return BigInt.asIntN(54, big) === big ? Number(big) : big;
  }

  /** The bytes of a string or binary: clients use either for text. */
  bytes(): Buffer {
    const head = this.peek();
    const { kind } = head;
    if (kind !== "str" && kind !== "bin")
      throw new ForwardError("MALFORMED", `${kind} where a string is due`);
    const start = this.pass(head);
    return this.window.subarray(start, this.at);
  }

  /** Passes over the next value, however deep. @returns its bytes */
  skip(): Buffer {
    const start = this.at;
    for (let left = 1; left > 0; left--) {
      const head = this.peek();
      this.at += Math.max(1, head.headBytes + payloadBytes(head));
      left += children(head);
    }
    return this.window.subarray(start, this.at);
  }
}
