import { Latency } from "../../agent/monitor/latency.ts";
import { Pace } from "../../agent/monitor/pace.ts";
import type { Vitals } from "../../agent/monitor/vitals.ts";

/** An agent that has taken so many bytes, to as many shards. */
export function vitals(bytes: number, shards = 1): Vitals {
  const counts = { records: 0, bytes, throttled: 0, retries: 0 };
  return {
    agent: { version: "0", node: "0", pid: 0, startedAt: "" },
    host: "h",
    stream: "s",
    files: [],
    missing: [],
    waitingFiles: 0,
    pace: new Pace(() => 0),
    tail: { found: 0, rotated: 0, truncated: 0, lost: 0, copies: 0, left: 0, unpacked: 0, abandonedBytes: 0 },
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
    reload: { isSuccessful: true, configuredAtMs: 0, taken: 0, refused: 0 },
  };
}
