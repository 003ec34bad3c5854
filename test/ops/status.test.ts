import type { CloudWatchClient, GetMetricDataCommand } from "@aws-sdk/client-cloudwatch";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { PlaceMetrics } from "../../ops/access/metrics.ts";
import type { Place } from "../../ops/access/place.ts";
import { printable } from "../../ops/access/text-table.ts";
import { costParts } from "../../ops/status/cost.ts";
import { fleetReport } from "../../ops/status/fleet.ts";
import { RoutedSums, type RoutedFacts } from "../../ops/status/routed.ts";
import { routerReport } from "../../ops/status/router.ts";
import { screenText } from "../../ops/status/screen.ts";
import { readStatus } from "../../ops/status/status.ts";
import { type StreamFacts, streamReport } from "../../ops/status/stream.ts";
import type { Commit } from "../../wire/commit.ts";
import type { FleetPage } from "../../wire/fleet-page.ts";
import { beat, WatchedFleet } from "../fleet/watched-fleet.ts";
import { report } from "../commit-log/heartbeat-fixture.ts";
import { heartbeatLine, routedBeats } from "../commit-log/heartbeat-fixture.ts";

const NOW = new Date("2026-11-21T12:00:00.000Z");
const STREAM: StreamFacts = {
  stream: "logs",
  status: "ACTIVE",
  mode: "on-demand",
  shards: 4,
  retentionHours: 168,
  createdAt: "2026-01-01T00:00:00.000Z",
  mapping: "Enabled",
};
const ROUTED: RoutedFacts = {
  hours: 1,
  batches: 10,
  lines: 1_000,
  rows: 990,
  rejected: 10,
  quarantined: 0,
  lakeBytes: 1e6,
  streamBytes: 1e9,
  objects: 40,
  unreadableCommits: 0,
  reasons: [{ type: "access", reason: "type", field: "status", lines: 10 }],
  sampled: 10,
};

/** A place whose lake has this page of fleet watch, or none, and nothing else that answers. */
function placeWith(page: FleetPage | undefined): Place {
  const send = (): Promise<object> =>
    page === undefined
      ? Promise.reject(Object.assign(new Error("no such key"), { name: "NoSuchKey" }))
      : Promise.resolve({ Body: { transformToString: () => Promise.resolve(JSON.stringify(page)) } });
  return { title: "stack Weir", s3: { send }, bucket: "lake" } as unknown as Place;
}

describe("the fleet", () => {
  const watched = (): WatchedFleet => {
    const fleet = new WatchedFleet();
    const stuck = report("/var/log/a.log", { size: 5_000, delivered: 100, read: 100, endReachedAt: null });
    for (let minute = 0; minute <= 119; minute++) {
      fleet.tick(minute, [
        beat("web-1", minute, [stuck]),
        ...(minute < 60 ? [beat("web-2", minute, [stuck])] : []),
      ]);
    }
    return fleet;
  };

  test("is shown by fleet watch's page: what is wrong by host and path, with since when and what waits", async () => {
    const { section } = await fleetReport(placeWith(watched().page), NOW);
    expect(section).toEqual({
      title: "FLEET",
      summary: "2 hosts, 1 silent, 9.8 KB wait in 2 files",
      problems: [
        "web-2: silent since 2026-11-21 10:59 (1 h 1 min), 4.9 KB wait in 1 file",
        "web-1 /var/log/a.log: stuck since 2026-11-21 10:00 (2 h 0 min), 4.9 KB wait",
      ],
      notes: ["web-1: 4.9 KB wait in 1 file"],
    });
  });

  test("is not well when the watch has stopped; without a watch, that is said and is no trouble", async () => {
    const late = new Date(NOW.getTime() + 600_000);
    const { section } = await fleetReport(placeWith(watched().page), late);
    expect(section.problems[0]).toBe("fleet watch has not run for 11 min");
    const none = await fleetReport(placeWith(undefined), NOW);
    expect(none.section).toMatchObject({
      summary: expect.stringContaining("turned off") as string,
      problems: [],
    });
  });
});

describe("stream and router", () => {
  const problems = (changes: Partial<StreamFacts>) =>
    streamReport({ ...STREAM, ...changes }, true).section.problems;

  test("are well, or not for a reason that says what to do", () => {
    expect(problems({})).toEqual([]);
    expect(problems({ iteratorAgeSeconds: 60 })).toEqual([]);
    expect(problems({ mapping: "Disabled" })).toEqual([
      "the router's mapping is Disabled: weir resume starts it",
    ]);
    expect(problems({ iteratorAgeSeconds: 42 * 3_600 })).toEqual([
      "the router is 1 d 18 h behind, 25 % of what the stream keeps",
    ]);
    expect(routerReport(0, ROUTED).section).toMatchObject({
      summary: "in the last hour 1.0 k lines, 10 of them rejected (1.0 %)",
      problems: [],
      notes: ["rejected lines, all by type, reason and field:", "  10 access type status"],
    });
    const bad = { ...ROUTED, rejected: 100, quarantined: 2, unreadableCommits: 1 };
    expect(routerReport(2, bad).section.problems).toEqual([
      "2 batches given up: weir replay --failed",
      "2 records quarantined: weir replay --quarantined",
      "1 commit cannot be read",
      "more than 5 % of lines are rejected",
    ]);
  });

  test("a batch that was committed twice counts once, and lines that are filed anew are not rejected any more", () => {
    const { commit } = routedBeats([heartbeatLine(beat("web", 0).heartbeat, 0)], [NOW]);
    const counts = { bytes: 10, filtered: 0, duplicates: 0, foreignRows: 0 };
    const lines = (batchId: string, access: object): Commit => ({
      ...commit,
      batchId,
      types: { ...commit.types, access: { ...counts, ...access } as Commit["types"][string] },
    });
    const sums = new RoutedSums();
    const first = lines("a", { lines: 10, rows: 7, rejected: 3, reparsed: 0 });
    sums.add(first);
    sums.add(first);
    sums.add(lines("b", { lines: 3, rows: 2, rejected: 1, reparsed: 3 }));
    expect(sums.counts).toMatchObject({ batches: 2, lines: 10, rows: 9, rejected: 1 });
  });
});

describe("cost", () => {
  test("of an on-demand stream at 1 GB an hour for 20.5 days is what its prices say", () => {
    const parts = costParts(STREAM, ROUTED, 3_600 * 8, NOW);
    const hours = 20.5 * 24;
    expect(parts.stream).toBeCloseTo(hours * 0.04 + hours * 0.12 + 24 * 6 * 0.1 * (hours / 730), 6);
    expect(parts.warehouse).toBeCloseTo(8 * 0.375, 6);
    const young = costParts({ ...STREAM, createdAt: "2026-11-21T00:00:00.000Z" }, ROUTED, 0, NOW);
    expect(young.stream).toBeLessThan(parts.stream / 30);
    const shards = costParts({ ...STREAM, mode: "provisioned", retentionHours: 24 }, ROUTED, 0, NOW);
    expect(shards.stream).toBeCloseTo(hours * 4 * 0.015 + ((hours * 1e6) / 25 / 1e6) * 0.014, 6);
  });

  test("asks CloudWatch for what loads took, of every loader, page by page", async () => {
    const asked: GetMetricDataCommand["input"][] = [];
    const send = ({ input }: GetMetricDataCommand): Promise<object> => {
      asked.push(input);
      const { MetricDataQueries = [], StartTime, EndTime } = input;
      // GetMetricData reference, read 2026-11
      expect(MetricDataQueries.length).toBeGreaterThan(0);
      expect(MetricDataQueries.length).toBeLessThanOrEqual(500);
      expect(StartTime!.getTime()).toBeLessThan(EndTime!.getTime());
      for (const { Id, MetricStat } of MetricDataQueries) {
        expect(Id).toMatch(/^[a-z][a-zA-Z0-9_]*$/);
        expect(MetricStat!.Period! % 60).toBe(0);
      }
      const MetricDataResults = MetricDataQueries.map(() => ({ Values: [1_000, 500] }));
      return Promise.resolve({ MetricDataResults, ...(input.NextToken ? {} : { NextToken: "more" }) });
    };
    const client = { send } as unknown as CloudWatchClient;
    const metrics = new PlaceMetrics(client, "router", ["loader", "archive"]);
    expect(await metrics.rpuSeconds(new Date(0), NOW)).toBe(6_000);
    expect(await metrics.iteratorAgeSeconds(NOW)).toBe(1);
    expect(asked.map(({ NextToken }) => NextToken)).toEqual([undefined, "more", undefined, "more"]);
    expect(await new PlaceMetrics(client, "router", []).rpuSeconds(new Date(0), NOW)).toBe(0);
  });
});

describe("the screen", () => {
  const plain = { title: "stack Weir", now: NOW, columns: 80, hasColours: false };

  test("reads well on 80 columns, whatever hosts are called, and cuts nothing of what is wrong", () => {
    fc.assert(
      fc.property(
        fc.array(fc.string({ maxLength: 400 }), { maxLength: 5 }),
        fc.string({ maxLength: 400 }),
        (problems, note) => {
          const section = { title: "FLEET", summary: note, problems, notes: [note] };
          const text = screenText([section], plain);
          for (const line of text.split("\n")) expect(line.length).toBeLessThanOrEqual(80);
          expect(text.replaceAll("\n", "")).not.toMatch(/\p{Cc}/u);
          expect(text).toContain(problems.length === 0 ? "all is well" : `${problems.length} not well`);
          const told = text.replaceAll(/\s+|! /g, "");
          for (const problem of problems) {
            const words = printable(problem);
            expect(told).toContain(words.replaceAll(/\s+|! /g, ""));
          }
        },
      ),
      { numRuns: 50 },
    );
  });

  test("has colours only where it is told to", () => {
    const section = { title: "FLEET", summary: "1 host", problems: ["web: silent"], notes: [] };
    expect(screenText([section], plain)).not.toContain("\u001b");
    expect(screenText([section], { ...plain, hasColours: true })).toContain(
      "\u001b[31m  ! web: silent\u001b[39m",
    );
  });
});

test("a part that cannot be looked at is not well, and keeps no other from being shown", async () => {
  const place = placeWith(undefined);
  const { ok, sections, json } = await readStatus(place, { hours: 1, maxLagSeconds: 60 }, NOW);
  expect(ok).toBe(false);
  expect(sections.map(({ title, summary }) => [title, summary])).toEqual([
    ["FLEET", expect.stringContaining("turned off")],
    ["STREAM", "unknown"],
    ["ROUTER", "unknown"],
    ["LAKE", "unknown"],
    ["TABLES", "unknown"],
    ["COST", "a laptop costs nothing"],
  ]);
  expect(json).toMatchObject({
    ok: false,
    stream: { problems: [expect.stringContaining("cannot be looked at")] },
  });
});
