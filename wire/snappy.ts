/**
 * Snappy's block format, which has no magic bytes:
 *
 * block   := length(varint, of what it unpacks to) { element }
 * element := literal: tag, length, bytes | copy: tag, offset
 *
 * source: https://github.com/google/snappy/blob/main/format_description.txt, read 2026-11
 *
 * @returns true if the elements fill the data exactly and unpack to exactly the length
 */
export function isSnappyBlock(data: Uint8Array): boolean {
  let at = 0;
  let length = 0;
  for (let shift = 0; ; shift += 7) {
    const byte = data[at++];
    if (byte === undefined || shift > 28) return false;
    length += (byte & 0x7f) * 2 ** shift;
    if (byte < 0x80) break;
  }
  let unpacked = 0;
  while (at < data.length && unpacked < length) {
    const tag = data[at]!;
    const kind = tag & 3;
    if (kind === LITERAL) {
      const short = tag >> 2;
      const lengthBytes = Math.max(0, short - LITERAL_SHORT_MAX);
      const bytes = 1 + (lengthBytes === 0 ? short : littleEndian(data, at + 1, lengthBytes));
      at += 1 + lengthBytes + bytes;
      unpacked += bytes;
    } else {
      const offsetBytes = kind === 3 ? 4 : kind;
      const high = kind === 1 ? (tag >> 5) * 256 : 0;
      const offset = high + littleEndian(data, at + 1, offsetBytes);
      if (offset === 0 || offset > unpacked) return false;
      at += 1 + offsetBytes;
      unpacked += kind === 1 ? ((tag >> 2) & 7) + 4 : (tag >> 2) + 1;
    }
  }
  return length > 0 && at === data.length && unpacked === length;
}

const LITERAL = 0;

/** Lengths up to this, less one, stand in the tag itself. */
const LITERAL_SHORT_MAX = 59;

/** Bytes past the end read as zero: the block then ends past it too. */
function littleEndian(data: Uint8Array, at: number, bytes: number): number {
  let value = 0;
  for (let i = 0; i < bytes; i++) value += (data[at + i] ?? 0) * 2 ** (8 * i);
  return value;
}
