import fc from "fast-check";
import { expect, test } from "vitest";
import { CoveredRanges } from "../../lambdas/commit-log/covered-ranges.ts";

const SPACE = 60;
const range = fc
  .tuple(fc.nat(SPACE - 1), fc.integer({ min: 1, max: 12 }))
  .map(([from, length]): [number, number] => [from, Math.min(SPACE, from + length)]);
const source = fc.record({ id: fc.constantFrom("a", "b"), ranges: fc.array(range, { maxLength: 5 }) });
const commits = fc.array(fc.record({ sources: fc.array(source, { maxLength: 3 }) }), { maxLength: 12 });

test("what is new and what overlaps is what a flag a byte says, and each byte is new once", () => {
  fc.assert(
    fc.property(commits, (commits) => {
      const covered = new CoveredRanges();
      const seen = new Set<string>();
      for (const commit of commits) {
        for (const [i, { id, fresh, overlapping }] of covered.take(commit).entries()) {
          const { ranges } = commit.sources[i]!;
          const [news, olds]: [string[], string[]] = [[], []];
          for (const byte of ranges.flatMap((range) => bytes(id, [range]))) {
            (seen.has(byte) ? olds : news).push(byte);
            seen.add(byte);
          }
          expect(bytes(id, fresh).sort()).toEqual(news.sort());
          expect(bytes(id, overlapping).sort()).toEqual(olds.sort());
        }
      }
      expect([...covered].flatMap(([id, ranges]) => bytes(id, [...ranges])).sort()).toEqual([...seen].sort());
    }),
  );
});

test("a range that a sink holds already is covered", () => {
  const covered = new CoveredRanges();
  covered.add("a", 0, 10);
  covered.add("a", 20, 30);
  expect(covered.take({ sources: [{ id: "a", ranges: [[5, 25]] }] })).toEqual([
    {
      id: "a",
      fresh: [[10, 20]],
      overlapping: [
        [5, 10],
        [20, 25],
      ],
    },
  ]);
});

const bytes = (id: string, ranges: readonly (readonly [number, number])[]): string[] =>
  ranges.flatMap(([from, to]) => Array.from({ length: to - from }, (_, i) => `${id}${from + i}`));
