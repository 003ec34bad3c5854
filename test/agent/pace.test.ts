import { expect, test } from "vitest";
import { Delivery } from "../../agent/delivery.ts";
import { Pace, undeliveredBytes } from "../../agent/monitor/pace.ts";
import type { WatchedSource } from "../../agent/monitor/watched-source.ts";
import { HEAD } from "../../agent/tail/line-framer.ts";

/** A file of which `read` bytes are on their way. */
function source(size: number, read: number, overrides: Partial<WatchedSource> = {}) {
  const delivery = new Delivery(HEAD);
  const acknowledge = delivery.expect({ ...HEAD, offset: read });
  const file: WatchedSource = {
    source: { id: "s", host: "h", path: "/a" },
    tag: "a",
    location: "/a",
    phase: "active",
    size,
    read,
    gap: undefined,
    delivery,
    error: undefined,
    isAtEnd: read === size,
    isOpen: true,
    changedAtMs: 0,
    ...overrides,
  };
  return { file, acknowledge };
}

test("lag is the age of the oldest byte that is not delivered", () => {
  const pace = new Pace(0);
  const { file, acknowledge } = source(100, 60);
  pace.look([file], 1_000);
  expect([undeliveredBytes(file), pace.lagMs(file, 5_000)]).toEqual([100, 5_000]);
  acknowledge();
  pace.look([file], 6_000);
  expect([undeliveredBytes(file), pace.lagMs(file, 6_000)]).toEqual([40, 6_000]);
  expect(pace.bytesPerSecond(file)).toBeGreaterThan(0);
});

test("a file that is written to all the time does not lag as long as its lines are delivered soon", () => {
  const pace = new Pace(0);
  const { file, acknowledge } = source(100, 100);
  pace.look([file], 0);
  const next = file.delivery.expect({ ...HEAD, offset: 200 });
  Object.assign(file, { size: 200, read: 200 });
  pace.look([file], 60_000);
  acknowledge();
  expect([undeliveredBytes(file), pace.lagMs(file, 60_500)]).toEqual([100, 500]);
  next();
  expect(pace.lagMs(file, 60_600)).toBe(0);
});

test("what moves is not stalled, nor is what has nothing to deliver", () => {
  const pace = new Pace(0);
  const { file, acknowledge } = source(100, 60);
  pace.look([file], 1_000);
  expect(pace.stalledMs(9_000)).toBe(9_000);
  acknowledge();
  pace.look([file], 10_000);
  expect(pace.stalledMs(10_000)).toBe(0);
  pace.look([file], 30_000);
  expect(pace.stalledMs(30_000)).toBe(20_000);
  pace.look([source(0, 0).file], 40_000);
  expect(pace.stalledMs(40_000)).toBe(0);
});

test("what waits for the limit of its file lags, and is not stalled", () => {
  const pace = new Pace(0);
  const { file, acknowledge } = source(100, 60, { limitedTo: 10 });
  pace.look([file], 1_000);
  expect(pace.stalledMs(9_000)).toBe(9_000);
  acknowledge();
  pace.look([file], 10_000);
  pace.look([file], 30_000);
  expect([pace.stalledMs(30_000), undeliveredBytes(file), pace.lagMs(file, 30_000)]).toEqual([0, 40, 30_000]);
});

test("rotations are counted by the path that was left, and only those that were watched", () => {
  const pace = new Pace(0);
  const rotated = source(1, 1, { phase: "rotated" }).file;
  const active = source(1, 1).file;
  pace.look([rotated, active], 1_000);
  expect(pace.rotations("/a")).toBe(0);
  const next = source(1, 1).file;
  pace.look([rotated, Object.assign(active, { phase: "rotated" }), next], 2_000);
  pace.look([rotated, active, next, source(1, 1, { phase: "rotated" }).file], 3_000);
  expect(pace.rotations("/a")).toBe(2);
  pace.look([], 4_000);
  expect(pace.rotations("/a")).toBe(0);
});

test.each([
  ["a last line that has only begun", { isAtEnd: true }, 60],
  ["a gap after the last line", { isAtEnd: true, gap: { from: 50, reason: "filtered", lines: 1 } }, 50],
  ["what a lost file held", { phase: "lost" }, 60],
  ["what is not read yet, though", {}, 100],
] as const)("%s counts as it should", (_, overrides, undelivered) => {
  expect(undeliveredBytes(source(100, 60, overrides).file)).toBe(undelivered);
});
