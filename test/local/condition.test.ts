import { describe, expect, test } from "vitest";
import { type Condition, sentence } from "../../local/conditions/condition.ts";
import { conditions } from "../../local/conditions/conditions.ts";
import type { Facts } from "../../local/conditions/facts.ts";
import { Failures } from "../../local/conditions/failures.ts";
import { conditionLines } from "../../local/conditions/watch-conditions.ts";

const NOW = new Date(2026, 10, 27, 12, 4, 33).getTime();
const ago = (seconds: number): number => NOW - seconds * 1_000;
const MB = 2 ** 20;

const agent = { statusAtMs: NOW, files: [], behindBytes: 0, deliveredAtMs: NOW };
const failing = { part: "router", failures: 1, inRow: 0, sinceMs: ago(8), lastAtMs: ago(2), error: "killed" };
const table = { table: "logs.access", lagSeconds: 4 };

/** A run in which all is well. */
const WELL: Facts = {
  atMs: NOW,
  phase: "running",
  heartbeats: [
    { part: "S3", answeredAtMs: ago(1) },
    { part: "Kinesis", answeredAtMs: ago(1) },
  ],
  functions: [],
  givenUp: 0,
  routerBehindMs: 900,
  routedAtMs: ago(1),
  agent,
  loaderTickAtMs: ago(3),
  waiting: [table],
  refused: new Map(),
  freeDiskBytes: 5_000 * MB,
  types: { access: { lines: 10_000, rejected: 100, duplicates: 0 } },
  rejects: [],
  maxRejectedPercent: 5,
};

const silent = (part: string, seconds: number): Partial<Facts> => ({
  heartbeats: [{ part, answeredAtMs: ago(seconds) }],
});
const rejected = (lines: number, rejected: number): Facts["types"] => ({
  access: { lines, rejected, duplicates: 0 },
});

describe("what is not as it should be", () => {
  test("is nothing while all is well, before the agent starts, and after it has ended", () => {
    expect(conditions(WELL)).toEqual([]);
    expect(conditions({ ...WELL, phase: "starting", agent: undefined })).toEqual([]);
    expect(conditions({ ...WELL, phase: "draining", agent: undefined })).toEqual([]);
  });

  test.each<[string, Partial<Facts>, Condition["severity"], string]>([
    ["S3 is silent", silent("S3", 6), "amber", "S3 has not answered for 6 s"],
    ["S3 stays silent", silent("S3", 28), "red", "S3 has not answered for 28 s"],
    ["the stream is silent", silent("Kinesis", 16), "red", "Kinesis has not answered for 16 s"],
    ["PostgreSQL is silent", silent("the warehouse", 16), "red", "the warehouse has not answered for 16 s"],
    ["a router died", { functions: [failing] }, "amber", "the router failed 1 time since 12:04:25: killed"],
    [
      "routers die",
      { functions: [{ ...failing, failures: 7, inRow: 3, sinceMs: ago(28) }] },
      "red",
      "the router fails: 3 times in a row since 12:04:05: killed",
    ],
    [
      "records were given up",
      { givenUp: 12 },
      "red",
      "12 records went to the failure destination, where weir replay finds them, since 12:04:33",
    ],
    [
      "the router is slow",
      { routerBehindMs: 20_000 },
      "amber",
      "the router has left records in the stream for 20 s",
    ],
    [
      "the router hangs",
      { routerBehindMs: 40_000, routedAtMs: ago(41) },
      "red",
      "the router has ended no batch, and left records in the stream for 40 s",
    ],
    [
      "the agent is silent",
      { agent: { ...agent, statusAtMs: ago(7) } },
      "amber",
      "the agent has not answered for 7 s",
    ],
    [
      "the agent is gone",
      { agent: { ...agent, statusAtMs: ago(15) } },
      "red",
      "the agent has not answered for 15 s",
    ],
    [
      "the agent cannot send",
      { agent: { ...agent, error: "AccessDenied" } },
      "red",
      "the agent cannot send to Kinesis since 12:04:33: AccessDenied",
    ],
    [
      "the agent stalls",
      { agent: { ...agent, behindBytes: 3_400_000, deliveredAtMs: ago(20) } },
      "red",
      "the agent has delivered nothing, with 3.4 MB to send, for 20 s",
    ],
    [
      "files cannot be read",
      { agent: { ...agent, files: ["a", "b", "c", "d"].map((path) => ({ path, error: "EACCES" })) } },
      "amber",
      "the agent cannot read 4 files since 12:04:33: a: EACCES; b: EACCES; c: EACCES; and 1 more",
    ],
    ["the loader hangs", { loaderTickAtMs: ago(31) }, "amber", "the loader has not ended a turn for 31 s"],
    [
      "a load is tried again",
      { waiting: [{ ...table, failure: "no memory" }] },
      "amber",
      "a load of logs.access failed and waits to be tried again since 12:04:33: no memory",
    ],
    [
      "a table is far behind",
      { waiting: [{ ...table, lagSeconds: 119 }] },
      "amber",
      "rows have waited to be loaded into logs.access for 1 min",
    ],
    [
      "loads are paused",
      { waiting: [{ ...table, isPaused: true }] },
      "amber",
      "loads of logs.access are paused since 12:04:33",
    ],
    [
      "rows are refused",
      { refused: new Map([["logs.access", "not a number"]]) },
      "red",
      "rows of logs.access that the warehouse refuses are set aside since 12:04:33: not a number",
    ],
    [
      "the disk is low",
      { freeDiskBytes: 200 * MB },
      "amber",
      "the disk is nearly full: 209.7 MB left since 12:04:33",
    ],
    ["the disk is full", { freeDiskBytes: 0 }, "red", "the disk is full: 0 B left since 12:04:33"],
    [
      "lines are rejected",
      { types: rejected(500, 500), rejects: [{ type: "access", detail: "not in combined format" }] },
      "red",
      "access: 500 of 500 lines (100.0 %) rejected since 12:04:33: not in combined format",
    ],
  ])("tells that %s", (_, facts, severity, text) => {
    const found = conditions({ ...WELL, ...facts });
    expect(found.map((one) => [one.severity, sentence(one, NOW)])).toEqual([[severity, text]]);
  });

  test("has rejects over the limit first, then what is red, then what waits", () => {
    const found = conditions({
      ...WELL,
      ...silent("S3", 28),
      routerBehindMs: 20_000,
      types: rejected(100, 6),
    });
    expect(found.map(({ headline }) => headline)).toEqual([
      "Lines are rejected",
      "S3 does not answer",
      "Router is behind",
    ]);
  });

  test("waits for a few lines before it speaks of rejects, but not once the input has ended", () => {
    expect(conditions({ ...WELL, types: rejected(3, 3) })).toEqual([]);
    expect(conditions({ ...WELL, phase: "draining", types: rejected(3, 3) })).toHaveLength(1);
  });

  test("is no silence of parts that are stopped once the run has ended, but rejects stay", () => {
    const ended = { ...WELL, ...silent("S3", 28), types: rejected(100, 100), phase: "balanced" } as const;
    expect(conditions(ended).map(({ headline }) => headline)).toEqual(["Lines are rejected"]);
  });

  test("keeps its beginning while it lasts", () => {
    const first = conditions({ ...WELL, freeDiskBytes: 0 });
    const later = conditions({ ...WELL, freeDiskBytes: 20 * MB, atMs: NOW + 3_000 }, first);
    expect(later).toMatchObject([{ id: "disk", severity: "amber", sinceMs: NOW }]);
  });
});

test("the terminal tells a condition once when it begins, and once when it is over", () => {
  const begun = conditions({ ...WELL, ...silent("S3", 6) });
  expect(conditionLines([], begun, NOW)).toEqual(["! S3 has not answered for 6 s"]);
  const red = conditions({ ...WELL, ...silent("S3", 28) });
  expect(conditionLines(begun, red, NOW)).toEqual([]);
  expect(conditionLines(red, [], NOW)).toEqual(["S3 answers again, after 28 s"]);
});

describe("failures of a function", () => {
  const kinds = (failures: Failures) =>
    failures.all.map(({ failures, inRow, sinceMs }) => [failures, inRow, sinceMs]);

  test("are in a row where no invocation of the same shard went well between them", () => {
    const failures = new Failures();
    failures.add("router", "shard 1", "killed", 1_000);
    failures.add("router", "shard 2", "killed", 2_000);
    failures.add("router", "shard 1", "killed", 3_000);
    failures.add("router", "shard 2", undefined, 4_000);
    expect(kinds(failures)).toEqual([[3, 2, 1_000]]);
    failures.add("router", "shard 1", undefined, 5_000);
    expect(kinds(failures)).toEqual([[3, 0, 1_000]]);
  });

  test("begin anew a minute after the last one", () => {
    const failures = new Failures();
    failures.add("router", undefined, "killed", 1_000);
    failures.add("router", undefined, "killed", 61_000);
    expect(kinds(failures)).toEqual([[2, 0, 1_000]]);
    failures.add("router", "shard 1", "killed", 121_001);
    expect(kinds(failures)).toEqual([[1, 1, 121_001]]);
  });
});
