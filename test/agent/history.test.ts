import { expect, test } from "vitest";
import { History, SAMPLE_EVERY_MS } from "../../agent/monitor/history.ts";
import { vitals } from "./vitals.ts";

test("counters become rates, also of one that a reload set back, and levels stay as they are", () => {
  const history = new History();
  for (const [i, bytes] of [100, 600, 600, 50].entries()) {
    history.add(vitals(bytes), 1_000 + i * SAMPLE_EVERY_MS);
  }
  const { times, series, shards } = history.since(0);
  expect(times).toHaveLength(4);
  expect(series.sentBytes).toEqual([0, 100, 0, 10]);
  expect(shards).toEqual({ "shard-0": [0, 100, 0, 10] });
  expect(series.bufferedBytes).toEqual([100, 600, 600, 50]);
  expect(history.since(times[2]!).series.readBytes).toEqual([10]);
});

test("after hours, and with many shards, it holds a quarter of an hour and no more", () => {
  const history = new History();
  for (let i = 1; i <= 1_500; i++) history.add(vitals(i, 1_000), i * SAMPLE_EVERY_MS);
  const { times, series, shards } = history.since(0);
  expect(times.at(-1)! - times[0]!).toBe(900_000 - SAMPLE_EVERY_MS);
  expect(series.bufferedBytes.at(-1)).toBe(1_500);
  expect(series.bufferedBytes).toHaveLength(180);
  expect(Object.keys(shards)).toHaveLength(32);
});

test("shards that are gone make room for others, whose rates begin then", () => {
  const history = new History();
  history.add(vitals(100, 40), 0);
  const left = vitals(600, 40);
  history.add({ ...left, shards: new Map([...left.shards].slice(8)) }, SAMPLE_EVERY_MS);
  const { shards } = history.since(-1);
  expect(Object.keys(shards)).toEqual(Array.from({ length: 32 }, (_, i) => `shard-${i + 8}`));
  expect(new Set(Object.values(shards).flat())).toEqual(new Set([0, 100]));
});
