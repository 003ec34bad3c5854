import fc from "fast-check";
import { expect, test, vi } from "vitest";
import { type Range, RangeSet } from "../../wire/ranges.ts";

const SPACE = 64;
const range = fc.tuple(fc.nat(SPACE), fc.nat(SPACE)).map(([a, b]): Range => [Math.min(a, b), Math.max(a, b)]);

/** The same set, a flag a byte. */
function flags(ranges: readonly Range[], space = SPACE): boolean[] {
  const model = Array.from({ length: space }, () => false);
  for (const [from, to] of ranges) model.fill(true, from, to);
  return model;
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

test("thousands of ranges, in any order and asked between, are what a flag a byte says", () => {
  const space = 40_000;
  const short = fc.tuple(fc.nat(space - 10), fc.integer({ min: 1, max: 9 }));
  const long = fc.tuple(fc.nat(space / 2), fc.nat(space / 4));
  const step = fc
    .oneof({ weight: 2_000, arbitrary: short }, { weight: 1, arbitrary: long })
    .map(([from, length]): Range => [from, from + length]);
  const steps = fc.array(step, { minLength: 3_000, maxLength: 6_000, size: "max" });
  const order = fc.constantFrom("as they come", "backwards", "forwards");
  fc.assert(
    fc.property(steps, order, (steps, order) => {
      if (order !== "as they come") steps.sort(([a], [b]) => (order === "forwards" ? a - b : b - a));
      const set = new RangeSet();
      const model = flags([], space);
      for (const [i, [from, to]] of steps.entries()) {
        if (i % 100 === 0) {
          const asked = model.slice(from, to);
          expect([set.overlaps(from, to), set.covers(from, to)]).toEqual([
            asked.some(Boolean),
            asked.every(Boolean),
          ]);
        }
        set.add(from, to);
        model.fill(true, from, to);
      }
      const [asked] = steps as [Range];
      expect(flags(set.within(...asked), space)).toEqual(model.map((has, i) => has && isWithin(asked, i)));
      expect(flags(set.missing(asked[1], asked[0]), space)).toEqual(
        model.map((has, i) => !has && isWithin(asked, i)),
      );
      const merged = set.toArray();
      expect(flags(merged, space)).toEqual(model);
      expect([set.size, set.end]).toEqual([merged.length, merged.at(-1)?.[1] ?? 0]);
      for (let i = 1; i < merged.length; i++) expect(merged[i]![0]).toBeGreaterThan(merged[i - 1]![1]);
    }),
    { numRuns: 15 },
  );
});

const isWithin = ([from, to]: Range, byte: number): boolean => byte >= from && byte < to;

const ORDERS: Readonly<Record<string, (i: number, count: number) => number>> = {
  backwards: (i, count) => count - i,
  "to and fro": (i, count) => (i % 2 === 0 ? i : count - i),
  "in strides": (i, count) => (i * 7_919) % count,
};

test.each(Object.keys(ORDERS))("twice the ranges take about twice the work: offsets that run %s", (order) => {
  const moved = (count: number): number => {
    let elements = 0;
    const counting = (name: "slice" | "splice") => {
      const original = Array.prototype[name] as (...args: unknown[]) => unknown;
      return vi.spyOn(Array.prototype, name).mockImplementation(function (
        this: unknown[],
        ...args: unknown[]
      ) {
        elements += this.length;
        return original.apply(this, args) as never;
      });
    };
    const spies = [counting("slice"), counting("splice")];
    const set = new RangeSet();
    for (let i = 0; i < count; i++) {
      const from = ORDERS[order]!(i, count) * 4;
      set.overlaps(from, from + 1);
      set.add(from, from + 1);
    }
    for (const spy of spies) spy.mockRestore();
    expect(set.size).toBe(count);
    return elements;
  };
  expect(moved(40_000) / moved(20_000)).toBeLessThan(2.6);
});
