import fc from "fast-check";
import { expect, test } from "vitest";
import { crc32c } from "../../../agent/push/spool/crc32c.ts";
import { simd } from "../../../wire/simd.ts";
import { simdIsOff } from "../../../wire/wasm.ts";

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

/** Of lengths on both sides of where folding begins, of its pieces, and of what it leaves. */
const long = fc.record({
  bytes: fc.integer({ min: 8_000, max: 150_000 }),
  from: fc.nat(20),
  seed: fc.integer(),
});

test("the checksum of many bytes, which are folded first, is that of each of them", () => {
  expect(simd() !== undefined).toBe(!simdIsOff());
  fc.assert(
    fc.property(long, ({ bytes, from, seed }) => {
      const message = Buffer.from(
        Array.from({ length: from + bytes }, (_, i) => (seed ^ (i * i * 131)) >> (i % 5)),
      );
      expect(crc32c(message, from, message.length)).toBe(byDefinition(message.subarray(from)));
    }),
    {
      numRuns: 25,
      examples: [8_191, 8_192, 65_536 + 5_321, 65_536 + 5_337, 2 ** 20 - 8].map((bytes) => [
        { bytes, from: 1, seed: 7 },
      ]),
    },
  );
});
