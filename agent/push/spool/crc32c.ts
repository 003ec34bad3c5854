import { simd } from "../../../wire/simd.ts";

/** Castagnoli's polynomial, its bits in reverse. source: RFC 3720, appendix B.4, read 2026-11 */
const POLYNOMIAL = 0x82f6_3b78;

/** What a byte does to the checksum when 0, 1, ... 7 bytes come after it. */
const [T0, T1, T2, T3, T4, T5, T6, T7] = makeTables();

/** What is shorter would not be done with any sooner. */
const FOLD_FROM_BYTES = 8 * 2 ** 10;

/** CRC-32C of bytes[start, end). */
export function crc32c(bytes: Uint8Array, start: number, end: number): number {
  const rest = end - start < FOLD_FROM_BYTES ? undefined : simd()?.fold(bytes, start, end);
  if (rest !== undefined) return ~update(0, rest, 0, rest.length) >>> 0;
  return ~update(-1, bytes, start, end) >>> 0;
}

/** Eight bytes at a step. */
function update(crc: number, bytes: Uint8Array, start: number, end: number): number {
  let at = start;
  for (; at + 8 <= end; at += 8) {
    crc ^= bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24);
    crc =
      T7[crc & 0xff]! ^
      T6[(crc >>> 8) & 0xff]! ^
      T5[(crc >>> 16) & 0xff]! ^
      T4[crc >>> 24]! ^
      T3[bytes[at + 4]!]! ^
      T2[bytes[at + 5]!]! ^
      T1[bytes[at + 6]!]! ^
      T0[bytes[at + 7]!]!;
  }
  for (; at < end; at++) crc = (crc >>> 8) ^ T0[(crc ^ bytes[at]!) & 0xff]!;
  return crc;
}

type Tables = readonly [
  Int32Array,
  Int32Array,
  Int32Array,
  Int32Array,
  Int32Array,
  Int32Array,
  Int32Array,
  Int32Array,
];

function makeTables(): Tables {
  const first = Int32Array.from({ length: 256 }, (_, byte) => {
    let crc = byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ POLYNOMIAL : crc >>> 1;
    return crc;
  });
  const tables = [first];
  for (let i = 1; i < 8; i++) tables.push(tables[i - 1]!.map((crc) => (crc >>> 8) ^ first[crc & 0xff]!));
  return tables as unknown as Tables;
}
