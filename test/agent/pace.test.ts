import { expect, test } from "vitest";
import { Delivery } from "../../agent/kinesis/delivery.ts";
import { Pace, undeliveredBytes } from "../../agent/monitor/pace.ts";
import type { WatchedSource } from "../../agent/monitor/watched-source.ts";
import { HEAD } from "../../agent/framing/line-framer.ts";

/** @returns what sets the clock of a pace, by hand */
function paced(): (nowMs: number) => Pace {
  let now = 0;
  const pace = new Pace(() => now);
  return (nowMs) => {
    now = nowMs;
    return pace;
  };
}

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
  const at = paced();
  const { file, acknowledge } = source(100, 60);
  at(1_000).look([file]);
  expect([undeliveredBytes(file), at(5_000).lagMs(file)]).toEqual([100, 5_000]);
  acknowledge();
  at(6_000).look([file]);
  expect([undeliveredBytes(file), at(6_000).lagMs(file)]).toEqual([40, 6_000]);
  expect(at(6_000).bytesPerSecond(file)).toBeGreaterThan(0);
});

test("a file that is written to all the time does not lag as long as its lines are delivered soon", () => {
  const at = paced();
  const { file, acknowledge } = source(100, 100);
  at(0).look([file]);
  const next = file.delivery.expect({ ...HEAD, offset: 200 });
  Object.assign(file, { size: 200, read: 200 });
  at(60_000).look([file]);
  acknowledge();
  expect([undeliveredBytes(file), at(60_500).lagMs(file)]).toEqual([100, 500]);
  next();
  expect(at(60_600).lagMs(file)).toBe(0);
});

test("lag is true to a second, however long nobody has asked for it", () => {
  const at = paced();
  const { file, acknowledge } = source(0, 0);
  acknowledge();
  for (let second = 0; second <= 100_000; second++) {
    Object.assign(file, { size: second + 1, read: second + 1 });
    file.delivery.expect({ ...HEAD, offset: second })();
    at(second * 1_000).look([file]);
  }
  expect(at(100_001_000).lagMs(file)).toBeLessThanOrEqual(2_000);
});

test("what moves is not stalled, nor is what has nothing to deliver", () => {
  const at = paced();
  const { file, acknowledge } = source(100, 60);
  at(1_000).look([file]);
  expect(at(9_000).stalledMs()).toBe(9_000);
  acknowledge();
  at(10_000).look([file]);
  expect(at(10_000).stalledMs()).toBe(0);
  at(30_000).look([file]);
  expect(at(30_000).stalledMs()).toBe(20_000);
  at(40_000).look([source(0, 0).file]);
  expect(at(40_000).stalledMs()).toBe(0);
});

test("what waits for the limit of its file lags, and is not stalled", () => {
  const at = paced();
  const { file, acknowledge } = source(100, 60, { limitedTo: 10 });
  at(1_000).look([file]);
  expect(at(9_000).stalledMs()).toBe(9_000);
  acknowledge();
  at(10_000).look([file]);
  at(30_000).look([file]);
  expect([at(30_000).stalledMs(), undeliveredBytes(file), at(30_000).lagMs(file)]).toEqual([0, 40, 30_000]);
});

test("rotations are counted by the path that was left, and only those that were watched", () => {
  const at = paced();
  const rotated = source(1, 1, { phase: "rotated" }).file;
  const active = source(1, 1).file;
  at(1_000).look([rotated, active]);
  expect(at(1_000).rotations("/a")).toBe(0);
  const next = source(1, 1).file;
  at(2_000).look([rotated, Object.assign(active, { phase: "rotated" }), next]);
  at(3_000).look([rotated, active, next, source(1, 1, { phase: "rotated" }).file]);
  expect(at(3_000).rotations("/a")).toBe(2);
  at(4_000).look([]);
  expect(at(4_000).rotations("/a")).toBe(0);
});

test.each([
  ["a last line that has only begun", { isAtEnd: true }, 60],
  ["a gap after the last line", { isAtEnd: true, gap: { from: 50, reason: "filtered", lines: 1 } }, 50],
  ["what a lost file held", { phase: "lost" }, 60],
  ["what is not read yet, though", {}, 100],
] as const)("%s counts as it should", (_, overrides, undelivered) => {
  expect(undeliveredBytes(source(100, 60, overrides).file)).toBe(undelivered);
});

test("looks that were left out because nothing happened count as looks that saw nothing", () => {
  const [asked, spared] = [paced(), paced()];
  const { file, acknowledge } = source(1_000, 1_000);
  const look = (nowMs: number, stamp?: number): void => {
    asked(nowMs).look([file]);
    spared(nowMs).look([file], stamp);
  };
  const rates = (): number[] => [asked, spared].map((at) => Math.round(at(60_000).bytesPerSecond(file)));
  look(0);
  acknowledge();
  look(1_000, 7);
  expect(rates()).toEqual([95, 95]);
  for (let nowMs = 2_000; nowMs <= 31_000; nowMs += 1_000) look(nowMs, 7);
  expect(rates()).toEqual([5, 5]);
  expect([asked, spared].map((at) => at(31_000).stalledMs())).toEqual([0, 0]);
  Object.assign(file, { size: 2_000, read: 2_000 });
  file.delivery.expect({ ...HEAD, offset: 2_000 })();
  look(32_000, 8);
  expect(rates()).toEqual([99, 99]);
});

test("what is read and not delivered is a stall, though nothing happens to its file", () => {
  const at = paced();
  const { file } = source(100, 100);
  at(0).look([file], 7);
  at(5_000).look([file], 7);
  expect(at(5_000).stalledMs()).toBe(5_000);
});
