import fc from "fast-check";
import { expect, test } from "vitest";
import { type Range, RangeSet } from "../../wire/ranges.ts";

const SPACE = 64;
const range = fc.tuple(fc.nat(SPACE), fc.nat(SPACE)).map(([a, b]): Range => [Math.min(a, b), Math.max(a, b)]);

/** The same set, a flag a byte. */
function flags(ranges: readonly Range[]): boolean[] {
  return Array.from({ length: SPACE }, (_, i) => ranges.some(([from, to]) => i >= from && i < to));
}

test("a range set says of every range what a flag a byte would", () => {
  fc.assert(
    fc.property(fc.array(range, { maxLength: 12 }), range, (ranges, [from, to]) => {
      const set = RangeSet.of(ranges);
      const model = flags(ranges);
      const asked = model.slice(from, to);
      expect(flags(set.toArray())).toEqual(model);
      expect(set.bytes).toBe(model.filter(Boolean).length);
      expect(set.overlaps(from, to)).toBe(asked.some(Boolean));
      expect(set.covers(from, to)).toBe(asked.every(Boolean));
      expect(flags(set.missing(to))).toEqual(model.map((has, i) => !has && i < to));
    }),
    { numRuns: 2_000 },
  );
});

test("ranges in a set are sorted and never touch", () => {
  fc.assert(
    fc.property(fc.array(range, { maxLength: 20 }), (ranges) => {
      const merged = RangeSet.of(ranges).toArray();
      for (let i = 1; i < merged.length; i++) expect(merged[i]![0]).toBeGreaterThan(merged[i - 1]![1]);
    }),
  );
});
