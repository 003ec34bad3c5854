import fc from "fast-check";
import { expect, test } from "vitest";
import { bytesOf, type LastBytes, lastBytesAfter } from "../../agent/tail/fingerprint/last-bytes.ts";
import { isRotatedName } from "../../agent/tail/disk/rotated-name.ts";

test("what is kept is the last bytes read, in whatever windows they were, read twice or not", () => {
  const window = fc.record({ bytes: fc.nat({ max: 100 }), again: fc.nat({ max: 90 }) });
  fc.assert(
    fc.property(
      fc.uint8Array({ minLength: 900, maxLength: 1_000 }),
      fc.array(window, { maxLength: 9 }),
      (file, windows) => {
        let kept: LastBytes | undefined;
        let end = 0;
        for (const { bytes, again } of windows) {
          const start = Math.max(0, end - again);
          end += bytes;
          kept = lastBytesAfter(kept, Buffer.from(file.subarray(start, end)), start);
          expect(kept.end).toBe(end);
          const held = bytesOf(kept);
          expect(held).toEqual(Buffer.from(file.subarray(end - held.length, end)));
          expect(held.length).toBeGreaterThanOrEqual(Math.min(64, end - start));
        }
      },
    ),
  );
});

test.each([
  ["access.log.1", true],
  ["access.log.12", true],
  ["access.log-20261101", true],
  ["access.log.2026-11-01_13:00", true],
  ["access-20261101.log", true],
  ["access.1.log", true],
  ["access.log.old", true],
  ["access.log", false],
  ["access.log.1.gz", false],
  ["access.log.swp", false],
  ["access-internal.log", false],
  ["error.log.1", false],
])("%s is what rotation makes of access.log: %s", (name, isRotated) => {
  expect(isRotatedName(name, "access.log")).toBe(isRotated);
});

test.each([
  ["app10.log", "app1.log", false],
  ["app10.log", "app.log", true],
  ["app.log.12", "app.log.1", false],
  ["app1.log.2", "app1.log", true],
  ["app-2.2026-11-01.log", "app-2.log", true],
])("a number is not cut apart: %s is what rotation makes of %s: %s", (name, original, isRotated) => {
  expect(isRotatedName(name, original)).toBe(isRotated);
});
