import fc from "fast-check";
import { expect, test } from "vitest";
import { Arrivals } from "../../agent/push/spool/arrivals.ts";

test("the oldest arrival is that of the first byte that is left, to a second", () => {
  const steps = fc.array(fc.record({ bytes: fc.integer({ min: 1, max: 9 }), ms: fc.nat({ max: 3_000 }) }), {
    minLength: 1,
    maxLength: 50,
  });
  fc.assert(
    fc.property(steps, fc.double({ min: 0, max: 1, noNaN: true }), (steps, share) => {
      const arrivals = new Arrivals(1_024);
      const arrived: number[] = [];
      let nowMs = 0;
      for (const { bytes, ms } of steps) {
        nowMs += ms;
        for (let i = 0; i < bytes; i++) arrived.push(nowMs);
        arrivals.add(arrived.length, nowMs);
      }
      const delivered = Math.floor(share * arrived.length);
      const oldest = arrivals.oldestMs(delivered);
      if (delivered === arrived.length) {
        expect(oldest).toBeUndefined();
        return;
      }
      expect(arrived[delivered]! - oldest!).toBeGreaterThanOrEqual(0);
      expect(arrived[delivered]! - oldest!).toBeLessThan(1_000);
    }),
  );
});

test("a backlog of days takes no more memory than one of minutes, and its oldest age stays true", () => {
  const arrivals = new Arrivals(1_024);
  for (let second = 1; second <= 100_000; second++) arrivals.add(second, second * 1_000);
  expect(arrivals.oldestMs(0)).toBe(1_000);
  const late = arrivals.oldestMs(50_000)!;
  expect(late).toBeLessThanOrEqual(50_001_000);
  expect(late).toBeGreaterThan(49_000_000);
});

test("once a backlog of days is delivered, ages are told to a second again", () => {
  const arrivals = new Arrivals(64);
  for (let second = 1; second <= 401_000; second++) {
    arrivals.add(second, second * 1_000);
    // From the 200,000th second on, two in each second, until only the last one waits.
    arrivals.delivered(Math.min(second - 1, Math.max(0, (second - 200_000) * 2)));
  }
  expect(arrivals.oldestMs(400_999)).toBeGreaterThan(400_999_000);
});
