import { Router } from "../../lambdas/router/router.ts";
import type { StreamRecord } from "../../lambdas/router/stream-record.ts";
import { HEARTBEAT_PATH, type Heartbeat } from "../../wire/heartbeat.ts";
import { HEARTBEAT_TYPE } from "../../wire/log-type.ts";
import { aggregate, configOf, type Line, RAW, streamRecord } from "../router/batch-fixture.ts";

export type SourceReport = Heartbeat["sources"][number];

/** What an agent says of a file: that all is delivered, where nothing else is told. */
export function report(path: string, changes: Partial<SourceReport> = {}): SourceReport {
  const { size = 100 } = changes;
  const id = Buffer.from(path.padEnd(9)).toString("base64url").slice(0, 12);
  const end = { read: size, delivered: size, endReachedAt: "2026-11-21T09:59:59.000Z" };
  return { id, path, tag: "raw", size, ...end, state: "active", finalSize: null, ...changes };
}

export function heartbeat(host: string, at: Date, sources: readonly SourceReport[] = []): Heartbeat {
  const agent = { version: "1.0.0", node: "24.0.0", pid: 7, startedAt: "2026-11-21T09:00:00.000Z" };
  return { at: at.toISOString(), host, agent, sources: [...sources] };
}

/** A heartbeat as its agent sends it: a line of the source that its process has for them. */
export function heartbeatLine(beat: Heartbeat, offset: number): Line {
  const id = Buffer.from(beat.host.padEnd(9)).toString("base64url").slice(0, 12);
  const source = { id, host: beat.host, path: HEARTBEAT_PATH };
  return { tag: HEARTBEAT_TYPE, data: JSON.stringify(beat), source, offset };
}

const CONFIGS = {
  zstd: configOf([RAW]),
  gzip: configOf([RAW], { lake: { compression: "gzip" } }),
};

/** A batch of these heartbeats, by the router, each in a record of its own. @param arrivals when Kinesis took each */
export function routedBeats(
  lines: readonly Line[],
  arrivals: readonly Date[],
  { compression = "zstd", first = 1 }: { compression?: "zstd" | "gzip"; first?: number } = {},
) {
  const records = lines.map((line, i): StreamRecord => {
    const record = streamRecord(aggregate([line]), first + i);
    return { ...record, arrivedAt: arrivals[i] ?? record.arrivedAt };
  });
  return new Router(CONFIGS[compression]).route(records);
}
