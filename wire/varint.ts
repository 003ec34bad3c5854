import { WireError } from "./wire-error.ts";

/**
 * varint := { 1xxxxxxx } 0xxxxxxx, seven bits a byte, lowest first.
 * source: https://protobuf.dev/programming-guides/encoding/#varints
 *
 * Values are numbers up to 2^53 - 1: every length, index and offset of ours fits.
 */

/** Bytes that `value` takes. */
export function varintSize(value: number): number {
  if (value < 0x80) return 1;
  if (value < 0x4000) return 2;
  let size = 1;
  while (value >= 0x80) {
    value = Math.floor(value / 0x80);
    size++;
  }
  return size;
}

/** Writes `value` at `at` and returns the offset after it. */
export function writeVarint(out: Uint8Array, at: number, value: number): number {
  // Bit operations know 32 bits, and are twice as fast as division.
  for (; value >= 0x80 && value < 2 ** 31; value >>>= 7) out[at++] = (value & 0x7f) | 0x80;
  while (value >= 0x80) {
    out[at++] = (value % 0x80) | 0x80;
    value = Math.floor(value / 0x80);
  }
  out[at++] = value;
  return at;
}

/** A position in bytes that refuses to leave them. */
export class Cursor {
  readonly bytes: Uint8Array;
  readonly end: number;
  at: number;

  constructor(bytes: Uint8Array, at = 0, end = bytes.length) {
    this.bytes = bytes;
    this.at = at;
    this.end = end;
  }

  /** @throws WireError TRUNCATED past the end, MALFORMED past 2^53 - 1 */
  varint(): number {
    let value = 0;
    let scale = 1;
    for (let i = 0; i < 10; i++) {
      if (this.at >= this.end) throw new WireError("TRUNCATED", "varint runs past the end", this.at);
      const byte = this.bytes[this.at++]!;
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) {
        if (value > Number.MAX_SAFE_INTEGER) {
          throw new WireError("MALFORMED", "varint above 2^53 - 1", this.at - 1);
        }
        return value;
      }
      scale *= 0x80;
    }
    throw new WireError("MALFORMED", "varint longer than 10 bytes", this.at);
  }

  /** The next `length` bytes as a view, not a copy. @throws WireError TRUNCATED */
  take(length: number): Uint8Array {
    if (length > this.end - this.at) {
      throw new WireError("TRUNCATED", `field of ${length} bytes runs past the end`, this.at);
    }
    return this.bytes.subarray(this.at, (this.at += length));
  }

  /** A length and that many bytes, as a cursor over them. @throws WireError TRUNCATED */
  message(): Cursor {
    const length = this.varint();
    const start = this.at;
    this.take(length);
    return new Cursor(this.bytes, start, start + length);
  }

  get done(): boolean {
    return this.at >= this.end;
  }
}
