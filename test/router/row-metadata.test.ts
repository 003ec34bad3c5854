import fc from "fast-check";
import { expect, test } from "vitest";
import { RowMetadata } from "../../lambdas/router/row-metadata.ts";

const uint32 = fc.oneof(fc.integer({ min: 0, max: 2 ** 32 - 1 }), fc.constantFrom(0, 9, 10, 99, 2 ** 32 - 1));
const offset = fc.oneof(fc.maxSafeNat(), fc.constantFrom(0, 9, 10, Number.MAX_SAFE_INTEGER));

test("offset and CRC-32 are written in full, within the room that is asked for", () => {
  const metadata = new RowMetadata("c291cmNlMQ3f", 'a "host"', new Date("2026-11-21T10:00:00.250Z"));
  fc.assert(
    fc.property(offset, uint32, (_off, _crc) => {
      const out = Buffer.alloc(metadata.maxBytes + 8, 0xee);
      const end = metadata.write(out, 4, Date.parse("2026-11-21T09:59:59.007Z"), _off, _crc);
      expect(end - 4).toBeLessThanOrEqual(metadata.maxBytes);
      expect(JSON.parse(`${out.toString("utf8", 4, end)}}`)).toEqual({
        _time: "2026-11-21 09:59:59.007",
        _src: "c291cmNlMQ3f",
        _off,
        _crc,
        _host: 'a "host"',
        _arrived_at: "2026-11-21 10:00:00.250",
      });
    }),
  );
});
