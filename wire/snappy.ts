/**
 * Snappy, as Fluent Bit and Go's producers compress records with:
 *
 * block   := length(varint, of what it unpacks to) { element }
 * element := literal: tag, length, bytes | copy: tag, offset
 * stream  := FF 06 00 00 "sNaPpY" { chunk }
 * chunk   := type(1) length(3, little-endian) body     00: CRC-32C(4) block, 01: CRC-32C(4) bytes, 80 to FF: passed over
 *
 * Blocks have no magic bytes: they are told by their elements, which fill the data exactly and unpack to exactly the length.
 * The CRC-32C is not verified, since Kinesis keeps records whole.
 *
 * source: format_description.txt and framing_format.txt of https://github.com/google/snappy, read 2026-11
 */
export const SNAPPY_STREAM = Buffer.from("ff060000734e61507059", "hex");

/** A block may unpack to some 21 times its bytes and no more: a copy of 64 bytes takes three. */
const MAX_GROWTH = 22;

/** @returns undefined for what is no block */
export function unpackSnappyBlock(data: Uint8Array, maxBytes = Infinity): Buffer | undefined | "too-large" {
  const { length, at } = varint(data);
  if (length === 0 || length > data.length * MAX_GROWTH || !isSnappyBlock(data, at, length)) return undefined;
  if (length > maxBytes) return "too-large";
  const out = Buffer.allocUnsafe(length);
  let to = 0;
  for (const { from, bytes, offset } of elements(data, at)) {
    if (offset === 0) out.set(data.subarray(from, from + bytes), to);
    // Of a copy that reaches into itself, byte after byte repeats what was just written.
    else for (let i = 0; i < bytes; i++) out[to + i] = out[to + i - offset]!;
    to += bytes;
  }
  return out;
}

/** @returns undefined for what is no stream */
export function unpackSnappyStream(data: Uint8Array, maxBytes: number): Buffer | undefined | "too-large" {
  const pieces: Uint8Array[] = [];
  let left = maxBytes;
  for (let at = 0; at < data.length;) {
    const [type, length] = [data[at]!, littleEndian(data, at + 1, 3)];
    const body = data.subarray(at + 4, at + 4 + length);
    at += 4 + length;
    if (at > data.length) return undefined;
    if (type >= 0x80) continue;
    if (type > 1 || length < 4) return undefined;
    const piece = type === 1 ? body.subarray(4) : unpackSnappyBlock(body.subarray(4), left);
    if (piece === undefined || piece === "too-large") return piece;
    if (piece.length > left) return "too-large";
    left -= piece.length;
    pieces.push(piece);
  }
  return Buffer.concat(pieces);
}

/** @param at index of the first element @param length of what they are to unpack to */
function isSnappyBlock(data: Uint8Array, at: number, length: number): boolean {
  let [unpacked, end] = [0, at];
  for (const { from, bytes, offset, next } of elements(data, at)) {
    if (offset > unpacked || (offset === 0 && from + bytes !== next)) return false;
    unpacked += bytes;
    end = next;
    if (unpacked > length) return false;
  }
  return end === data.length && unpacked === length;
}

interface Element {
  /** Index of a literal's bytes. */
  readonly from: number;
  /** That it unpacks to. */
  readonly bytes: number;
  /** Of a copy: how far back it is from. 0 for a literal. */
  readonly offset: number;
  readonly next: number;
}

/** Lengths up to this, less one, stand in the tag itself. */
const LITERAL_SHORT_MAX = 59;

/** An element that is cut, or a copy of nothing, has an offset or an end that nothing can have. */
function* elements(data: Uint8Array, at: number): Generator<Element> {
  while (at < data.length) {
    const tag = data[at]!;
    const kind = tag & 3;
    if (kind === 0) {
      const short = tag >> 2;
      const lengthBytes = Math.max(0, short - LITERAL_SHORT_MAX);
      const bytes = 1 + (lengthBytes === 0 ? short : littleEndian(data, at + 1, lengthBytes));
      const from = at + 1 + lengthBytes;
      yield { from, bytes, offset: 0, next: (at = from + bytes) };
    } else {
      const offsetBytes = kind === 3 ? 4 : kind;
      const high = kind === 1 ? (tag >> 5) * 256 : 0;
      const offset = high + littleEndian(data, at + 1, offsetBytes) || Infinity;
      const bytes = kind === 1 ? ((tag >> 2) & 7) + 4 : (tag >> 2) + 1;
      yield { from: at, bytes, offset, next: (at += 1 + offsetBytes) };
    }
  }
}

/** At most five bytes, as of 32 bits; a longer one is none, and reads as 0. */
function varint(data: Uint8Array): { length: number; at: number } {
  let length = 0;
  for (let at = 0; at < 5; at++) {
    const byte = data[at] ?? 0;
    length += (byte & 0x7f) * 2 ** (7 * at);
    if (byte < 0x80) return { length, at: at + 1 };
  }
  return { length: 0, at: 0 };
}

/** Bytes past the end read as zero: the block then ends past it too. */
function littleEndian(data: Uint8Array, at: number, bytes: number): number {
  let value = 0;
  for (let i = 0; i < bytes; i++) value += (data[at + i] ?? 0) * 2 ** (8 * i);
  return value;
}
