import { expect, test } from "vitest";
import { History, SAMPLE_EVERY_MS } from "../../agent/monitor/history.ts";
import { Latency } from "../../agent/monitor/latency.ts";
import { Pace } from "../../agent/monitor/pace.ts";
import type { Vitals } from "../../agent/monitor/vitals.ts";

/** An agent that has taken so many bytes, to as many shards. */
function vitals(bytes: number, shards = 1): Vitals {
  const counts = { records: 0, bytes, throttled: 0, retries: 0 };
  return {
    agent: { version: "0", node: "0", pid: 0, startedAt: "" },
    host: "h",
    stream: "s",
    files: [],
    missing: [],
    pace: new Pace(0),
    tail: { found: 0, rotated: 0, truncated: 0, lost: 0, abandonedBytes: 0 },
    read: { lines: 0, bytes, cut: 0 },
    filters: [],
    pushed: undefined,
    sent: new Map([["t", { lines: 0, bytes, records: 0 }]]),
    producer: { requests: 0, records: 0, bytes: 0, retries: 0, throttled: 0, failures: 0 },
    shards: new Map(Array.from({ length: shards }, (_, i) => [`shard-${i}`, counts])),
    latency: new Latency(),
    openShards: shards,
    putFailure: undefined,
    bufferedBytes: bytes,
    maxBufferedBytes: 1,
    checkpoint: { savedAtMs: 0, failures: 0 },
    stalledMs: 1,
    maxFileSeries: 1,
    reload: { isSuccessful: true, configuredAtMs: 0, succeeded: 0, failed: 0 },
  };
}

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
  for (let i = 1; i <= 5_000; i++) history.add(vitals(i, 1_000), i * SAMPLE_EVERY_MS);
  const { times, series, shards } = history.since(0);
  expect(times.at(-1)! - times[0]!).toBe(900_000 - SAMPLE_EVERY_MS);
  expect(series.bufferedBytes.at(-1)).toBe(5_000);
  expect(series.bufferedBytes).toHaveLength(180);
  expect(Object.keys(shards)).toHaveLength(32);
});
