import fc from "fast-check";
import { expect, test } from "vitest";
import { crc32c } from "../../../agent/spool/crc32c.ts";

/** source: RFC 3720, appendix B.4, read 2026-11; the last is every catalogue's check value. */
const VECTORS: readonly (readonly [string, Uint8Array, number])[] = [
  ["32 bytes of zeros", new Uint8Array(32), 0x8a91_36aa],
  ["32 bytes of ones", new Uint8Array(32).fill(0xff), 0x62a8_ab43],
  ["32 bytes that count up", Uint8Array.from({ length: 32 }, (_, i) => i), 0x46dd_794e],
  ["32 bytes that count down", Uint8Array.from({ length: 32 }, (_, i) => 31 - i), 0x113f_db5c],
  ["nine digits", Buffer.from("123456789"), 0xe306_9283],
];

test.each(VECTORS)("the checksum of %s is the published one", (_, bytes, crc) => {
  expect(crc32c(bytes, 0, bytes.length)).toBe(crc);
});

/** The definition, bit by bit. */
function byDefinition(bytes: Uint8Array): number {
  let crc = 0xffff_ffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f6_3b78 : crc >>> 1;
  }
  return ~crc >>> 0;
}

test("the checksum of a part is that of its bytes, wherever it begins and ends", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 60 }), fc.nat(60), fc.nat(60), (bytes, a, b) => {
      const [start, end] = [Math.min(a, b, bytes.length), Math.min(Math.max(a, b), bytes.length)];
      expect(crc32c(bytes, start, end)).toBe(byDefinition(bytes.subarray(start, end)));
    }),
  );
});
