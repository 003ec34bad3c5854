import fc from "fast-check";
import { expect, test } from "vitest";
import { SequenceIntervals } from "../../ops/audit/sequence-intervals.ts";

/** Real ones have 56 digits; what is beyond 192 bits is kept another way. */
const bases = [0n, 10n ** 55n, 2n ** 192n - 20n, 10n ** 100n];

test("a batch is new, covered by one before it, or overlaps some, in whatever order they come", () => {
  const interval = fc.record({ first: fc.nat(60), length: fc.nat(12), base: fc.nat(bases.length - 1) });
  fc.assert(
    fc.property(fc.array(interval, { maxLength: 40 }), fc.boolean(), (all, inOrder) => {
      const batches = inOrder ? all.toSorted((a, b) => a.base - b.base || a.first - b.first) : all;
      const intervals = new SequenceIntervals();
      const seen: { first: bigint; last: bigint }[] = [];
      for (const { first: offset, length, base } of batches) {
        const first = bases[base]! + BigInt(offset);
        const last = first + BigInt(length);
        const coverage = intervals.add("shardId-000000000000", `${first}`, `${last}`);
        const touched = seen.filter((one) => one.first <= last && one.last >= first);
        const isWithin = touched.some((one) => one.first <= first && one.last >= last);
        expect(coverage === "new").toBe(touched.length === 0);
        if (isWithin) expect(coverage).toBe("covered");
        // Those that overlap one another become one, which may cover what none of them did.
        if (coverage === "covered" && touched.length === 1) expect(isWithin).toBe(true);
        seen.push({ first, last });
      }
    }),
    { numRuns: 500 },
  );
});

test("a shard's batches in order, and each of them again", () => {
  const intervals = new SequenceIntervals();
  const add = (n: number, length = 5): string =>
    intervals.add(
      "shardId-000000000000",
      `${10n ** 55n + BigInt(10 * n)}`,
      `${10n ** 55n + BigInt(10 * n + length)}`,
    );
  for (let n = 0; n < 2_000; n++) expect(add(2 * n)).toBe("new");
  for (let n = 0; n < 2_000; n++) expect(add(2 * n)).toBe("covered");
  for (let n = 0; n < 2_000; n++) expect(add(2 * n, 3)).toBe("covered");
  expect([add(1), add(1), add(4, 12), add(6, 12)]).toEqual(["new", "covered", "overlapping", "overlapping"]);
  expect(intervals.add("shardId-000000000001", `${10n ** 55n}`, `${10n ** 55n}`)).toBe("new");
});
