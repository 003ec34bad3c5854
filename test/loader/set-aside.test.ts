import fc from "fast-check";
import { expect, test } from "vitest";
import { compareCursors, type Cursor } from "../../lambdas/commit-log/cursor.ts";
import { appended, MAX_SET_ASIDE, remainder } from "../../lambdas/loader/set-aside.ts";
import type { SetAside } from "../../lambdas/loader/state.ts";

const place = (n: number): Cursor => ({ segment: 1 + Math.floor(n / 100), index: n % 100 });
const of = (n: number): SetAside => ({ from: place(n), to: place(n + 1), count: 1 });
const holds = (intervals: readonly SetAside[], n: number): boolean =>
  intervals.some(({ from, to }) => compareCursors(from, place(n)) <= 0 && compareCursors(place(n), to) < 0);

test("a run of commits is one interval, however long", () => {
  let intervals: SetAside[] = [];
  for (let n = 90; n < 330; n++) intervals = appended(intervals, of(n));
  expect(intervals).toEqual([{ from: place(90), to: place(330), count: 240 }]);
});

test("any number of commits takes a bounded number of intervals, and none is left out", () => {
  const gaps = fc.array(fc.integer({ min: 0, max: 400 }), { minLength: 1, maxLength: 400 });
  fc.assert(
    fc.property(gaps, fc.nat(1_000), (gaps, turn) => {
      let intervals: SetAside[] = [];
      let n = 0;
      const added = gaps.map((gap) => (n += 1 + gap));
      for (const [i, n] of added.entries()) {
        // Tries each interval in its turn, which then goes to the end.
        const [first, ...rest] = intervals;
        if (i % 7 === turn % 7 && first) intervals = appended(rest, first);
        intervals = appended(intervals, of(n));
      }
      expect(intervals.length).toBeLessThanOrEqual(MAX_SET_ASIDE);
      expect(added.every((n) => holds(intervals, n))).toBe(true);
      expect(intervals.reduce((sum, { count }) => sum + count, 0)).toBe(added.length);
    }),
  );
});

test("the oldest minute of an interval is told, until nothing is left of it", () => {
  const [interval] = appended([{ ...of(3), oldestAt: "2026-11-21T10:05:00.000Z" }], {
    ...of(4),
    oldestAt: "2026-11-21T10:03:00.000Z",
  });
  expect(interval).toEqual({ from: place(3), to: place(5), count: 2, oldestAt: "2026-11-21T10:03:00.000Z" });
  expect(remainder(interval!, place(4), 1)).toMatchObject({ from: place(4), to: place(5), count: 1 });
  expect(remainder(interval!, place(5), 2)).toBeUndefined();
});
