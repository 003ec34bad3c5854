import { expect, test } from "vitest";
import { type Bound, costsBeyond } from "./linear-time.ts";

const BOUND: Bound = { growth: 24, noiseMs: 40 };

/** Costs of a short and a long work whose runs are disturbed by so many ms, over and over. */
function costs(shortMs: number, longMs: number, disturbances: readonly number[]) {
  let runs = 0;
  const [short, long] = [() => shortMs, () => longMs];
  const cost = (work: () => unknown) => Number(work()) + disturbances[runs++ % disturbances.length]!;
  return { found: costsBeyond(BOUND, short, long, cost), runs };
}

test("what is linear keeps within the bound, though most of its runs are disturbed", () => {
  expect(costs(5, 40, [0])).toEqual({ found: undefined, runs: 6 });
  expect(costs(2, 16, [0, 500, 0, 200, 0, 300, 0, 400, 0, 100, 0, 50])).toEqual({
    found: undefined,
    runs: 12,
  });
});

test("what is quadratic is beyond it, whatever disturbs its short runs, and its costs are told", () => {
  expect(costs(5, 320, [0]).found).toEqual([5, 320]);
  expect(costs(5, 320, [900, 0, 0, 0, 800, 700, 60]).found).toEqual([5, 320]);
});
