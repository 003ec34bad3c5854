import {
  ExpiredIteratorException,
  type KinesisClient,
  ProvisionedThroughputExceededException,
  type Shard,
} from "@aws-sdk/client-kinesis";
import { stripVTControlCharacters } from "node:util";
import { describe, expect, test } from "vitest";
import type { Place } from "../../ops/access/place.ts";
import { EventFilter, patternOf } from "../../ops/peek/event-filter.ts";
import { eventJson, eventText } from "../../ops/peek/event-text.ts";
import { EventOpener, type SeenEvent } from "../../ops/peek/seen-event.ts";
import { followStream } from "../../ops/peek/follow.ts";
import { runPeek } from "../../ops/peek/run.ts";
import { ShardReader } from "../../ops/peek/shard-reader.ts";
import { ShardTree } from "../../ops/peek/shard-tree.ts";
import { readStart, readWhile } from "../../ops/access/start.ts";
import { visibleBytes, visibleJson } from "../../ops/peek/visible-text.ts";
import {
  aggregate,
  ARRIVED_AT,
  configOf,
  type Line,
  RAW,
  SHARD,
  streamRecord,
} from "../router/batch-fixture.ts";

const shard = (ShardId: string, parents: readonly string[] = [], isClosed = false): Shard => ({
  ShardId,
  HashKeyRange: { StartingHashKey: "0", EndingHashKey: "1" },
  SequenceNumberRange: { StartingSequenceNumber: "1", ...(isClosed && { EndingSequenceNumber: "2" }) },
  ...(parents[0] !== undefined && { ParentShardId: parents[0] }),
  ...(parents[1] !== undefined && { AdjacentParentShardId: parents[1] }),
});

describe("the shards of a stream", () => {
  test("begin once all their parents are read to their ends, each once", () => {
    const tree = new ShardTree();
    tree.listed([shard("a"), shard("b"), shard("c", ["a", "b"]), shard("d", ["trimmed"])]);
    expect(tree.begin()).toEqual(["a", "b", "d"]);
    tree.ended("a");
    expect(tree.begin()).toEqual([]);
    tree.ended("b");
    expect([tree.begin(), tree.begin()]).toEqual([["c"], []]);
  });

  test("are listed again until it is known who goes on after one that ended", () => {
    const tree = new ShardTree();
    tree.listed([shard("a")]);
    tree.begin();
    tree.ended("a");
    expect(tree.hasUnknownChildren).toBe(true);
    tree.listed([shard("a", [], true)]);
    expect([tree.hasUnknownChildren, tree.begin()]).toEqual([true, []]);
    tree.listed([shard("a", [], true), shard("b", ["a"]), shard("c", ["a"])]);
    expect([tree.hasUnknownChildren, tree.begin()]).toEqual([false, ["b", "c"]]);
  });

  test("that are closed already have nothing of what comes from now on", () => {
    const tree = new ShardTree();
    tree.listed([shard("a", [], true), shard("b", ["a"]), shard("c", [], true)], true);
    expect(tree.begin()).toEqual(["b"]);
    // Its children are there, but the listing did not have them yet.
    expect(tree.hasUnknownChildren).toBe(true);
  });
});

describe("one shard", () => {
  /** Kinesis that answers GetRecords as it is told; iterators say where they are. */
  function kinesis(answers: readonly (object | Error)[]): { client: KinesisClient; calls: unknown[] } {
    const [calls, left] = [[] as unknown[], [...answers]];
    const send = async ({ constructor, input }: { constructor: { name: string }; input: object }) => {
      calls.push([constructor.name, input]);
      if (constructor.name === "GetShardIteratorCommand") return { ShardIterator: "opened" };
      const answer = left.shift()!;
      if (answer instanceof Error) throw answer;
      return answer;
    };
    return { client: { send } as unknown as KinesisClient, calls };
  }
  const signal = new AbortController().signal;
  const records = (bytes: number, ...SequenceNumbers: string[]) =>
    SequenceNumbers.map((SequenceNumber) => ({ SequenceNumber, Data: Buffer.alloc(bytes) }));
  const error = { message: "no", $metadata: {} };

  test("is read once a second, and in pages of about 1 MiB that half of its bytes go to", async () => {
    const page = {
      Records: records(2 ** 19, "1", "2", "3", "4"),
      NextShardIterator: "n",
      MillisBehindLatest: 9,
    };
    const { client, calls } = kinesis([{ ...page, Records: [] }, page, page]);
    const reader = new ShardReader(client, "s", SHARD, "TRIM_HORIZON");
    let before = Date.now();
    await reader.read(signal);
    expect(reader.dueAtMs - before).toBeGreaterThanOrEqual(1_000);
    before = Date.now();
    await reader.read(signal);
    expect(reader.dueAtMs - before).toBeGreaterThanOrEqual(2_000);
    await reader.read(signal);
    expect(calls.at(-1)).toEqual(["GetRecordsCommand", { ShardIterator: "n", Limit: 2 }]);
  });

  test("is left alone for longer each time that it is throttled, which is told once", async () => {
    const throttled = new ProvisionedThroughputExceededException(error);
    const { client } = kinesis([
      throttled,
      throttled,
      throttled,
      { Records: [], NextShardIterator: "n" },
      throttled,
    ]);
    const reader = new ShardReader(client, "s", SHARD, "TRIM_HORIZON");
    const waits: number[] = [];
    const told: unknown[] = [];
    for (let i = 0; i < 5; i++) {
      const before = Date.now();
      const reading = await reader.read(signal);
      waits.push(reader.dueAtMs - before);
      told.push(reading.kind === "busy" ? reading.isNew : reading.kind);
    }
    expect(told).toEqual([true, false, false, "page", true]);
    [2_000, 4_000, 8_000, 1_000, 2_000].forEach((least, i) => expect(waits[i]).toBeGreaterThanOrEqual(least));
  });

  test("goes on after the last record when its iterator is too old, and where there was none, before it", async () => {
    const expired = new ExpiredIteratorException(error);
    const empty = { Records: [], NextShardIterator: "n" };
    const { client, calls } = kinesis([
      empty,
      expired,
      { ...empty, Records: records(1, "7") },
      expired,
      empty,
    ]);
    const reader = new ShardReader(client, "s", SHARD, "LATEST");
    await reader.open(signal);
    const openedAt = Date.now();
    for (let i = 0; i < 5; i++) await reader.read(signal);
    const opened = calls.flatMap((call) => {
      const [name, { ShardIteratorType, StartingSequenceNumber, Timestamp }] = call as [
        string,
        Record<string, unknown>,
      ];
      return name === "GetShardIteratorCommand"
        ? [[ShardIteratorType, StartingSequenceNumber, Timestamp]]
        : [];
    });
    expect(opened).toEqual([
      ["LATEST", undefined, undefined],
      ["AT_TIMESTAMP", undefined, expect.any(Date)],
      ["AFTER_SEQUENCE_NUMBER", "7", undefined],
    ]);
    expect((opened[1]![2] as Date).getTime()).toBeLessThan(openedAt);
  });

  test("that is no more is over; what no further try helps against is thrown", async () => {
    const gone = Object.assign(new Error("gone"), { name: "ResourceNotFoundException" });
    const denied = Object.assign(new Error("no"), {
      name: "AccessDeniedException",
      $metadata: { httpStatusCode: 400 },
    });
    const away = Object.assign(new Error("away"), { code: "ECONNREFUSED" });
    const reader = new ShardReader(kinesis([gone, away, denied]).client, "s", SHARD, "LATEST");
    expect(await reader.read(signal)).toEqual({ kind: "gone" });
    expect(await reader.read(signal)).toMatchObject({ kind: "unreachable", isNew: true });
    await expect(reader.read(signal)).rejects.toThrow("no");
  });
});

test("shards that cannot be listed now are listed a moment later", async () => {
  const busy = Object.assign(new Error("Rate exceeded"), { name: "LimitExceededException" });
  const listings: (Error | object)[] = [busy, { Shards: [shard("a")] }];
  const send = async ({ constructor }: { constructor: { name: string } }) => {
    if (constructor.name === "GetShardIteratorCommand") return { ShardIterator: "i" };
    if (constructor.name === "GetRecordsCommand")
      return {
        Records: [{ SequenceNumber: "1", Data: Buffer.from("x") }],
        NextShardIterator: "i",
        MillisBehindLatest: 0,
      };
    const listing = listings.shift()!;
    if (listing instanceof Error) throw listing;
    return listing;
  };
  const notices: string[] = [];
  const pages = followStream({
    kinesis: { send } as unknown as KinesisClient,
    stream: "s",
    start: "TRIM_HORIZON",
    untilNow: true,
    signal: new AbortController().signal,
    onFollowing: (shards) => notices.push(`${shards}`),
    onNotice: (text) => notices.push(text),
  });
  const shown: unknown[] = [];
  for await (const { records } of pages) shown.push(...records.map(({ SequenceNumber }) => SequenceNumber));
  expect(shown).toEqual(["1"]);
  expect(notices).toEqual(["the shards cannot be listed: Rate exceeded; trying again", "1"]);
});

const config = configOf([RAW, { ...RAW, name: "access", match: { tags: ["nginx.*"] } }]);
const seen = (...lines: Line[]): SeenEvent[] => new EventOpener(config).open(streamRecord(aggregate(lines)));

describe("what is shown", () => {
  const plain = { hasColour: false, hasProvenance: false, isTerminal: false };

  test("is the event with time, host and tag, and where it is from", () => {
    const gap = { from: 0, reason: "filtered", lines: 2 } as const;
    const [event] = seen({ tag: "nginx.access", data: "GET /\r", offset: 40, gap });
    expect(eventText(event!, plain)).toBe("2026-11-21T10:00:00.250Z web-1 nginx.access→access GET /");
    expect(eventText(event!, { ...plain, hasProvenance: true })).toBe(
      `2026-11-21T10:00:00.250Z web-1 nginx.access→access [${SHARD} 49601 c291cmNlMQ3f:40 /var/log/access.log, ` +
        "before it 0 to 40 filtered: 2 lines] GET /",
    );
    const coloured = eventText(event!, { ...plain, hasColour: true });
    expect(coloured).toContain("\u001b[2m");
    expect(stripVTControlCharacters(coloured)).toBe(eventText(event!, plain));
    expect(JSON.parse(eventJson(event!))).toEqual({
      arrivedAt: ARRIVED_AT.toISOString(),
      shardId: SHARD,
      sequenceNumber: "49601",
      index: 0,
      tag: "nginx.access",
      type: "access",
      host: "web-1",
      source: "c291cmNlMQ3f",
      path: "/var/log/access.log",
      offset: 40,
      extent: 7,
      gaps: [{ from: 0, to: 40, reason: "filtered", lines: 2 }],
      data: "GET /\r",
    });
  });

  test("gives a terminal no commands, whatever is in the event, its tag or its path", () => {
    const evil = "\u001b]0;owned\u0007\u009b2J\u202e\r\b";
    const source = { id: "a", host: "h", path: `/x${evil}` };
    const [event] = seen({ tag: `t${evil}`, data: `a\tb${evil}c`, source });
    for (const isTerminal of [false, true]) {
      const text = eventText(event!, { ...plain, isTerminal, hasProvenance: true });
      // oxlint-disable-next-line no-control-regex -- they are what this is about
      expect(text).not.toMatch(/[\u0000-\u0008\u000a-\u001f\u007f-\u009f\u202e]/);
      expect(text).toContain(String.raw`a${"\t"}b\x1b]0;owned\x07\x9b2J\u202e\r\x08c`);
    }
    const json = eventJson(event!);
    // oxlint-disable-next-line no-control-regex -- they are what this is about
    expect(json).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u202e]/);
    expect(JSON.parse(json)).toMatchObject({ data: `a\tb${evil}c`, tag: `t${evil}` });
    expect(visibleJson('{"a":"\u202e"}')).toBe(String.raw`{"a":"\u202e"}`);
  });

  test("has bytes that are no text as such, and is whole where it is not for a person", () => {
    expect(visibleBytes(Buffer.from("caf\xe9 caf\xc3\xa9 \xf0\x9f", "latin1"))).toBe(
      String.raw`caf\xe9 café \xf0\x9f`,
    );
    const [binary, long, several] = seen(
      { tag: "raw", data: Buffer.from([0, 255, 254]) },
      { tag: "raw", data: "x".repeat(20_000) },
      { tag: "raw", data: String.raw`a\n` + "\n  at b" },
    );
    expect(JSON.parse(eventJson(binary!))).toMatchObject({ base64: "AP/+" });
    expect(eventText(long!, plain)).toHaveLength("2026-11-21T10:00:00.250Z web-1 raw ".length + 20_000);
    expect(eventText(long!, { ...plain, isTerminal: true })).toMatch(/x{16384} \.{3} \(20000 bytes\)$/);
    expect(eventText(several!, plain)).toContain(String.raw`a\n\n  at b`);
    expect(eventText(several!, { ...plain, isTerminal: true })).toContain(String.raw`a\n` + "\n  |   at b");
  });
});

test("events are chosen by type, tag, host and pattern, of which each has to be right", () => {
  const other = { id: "b", host: "db-1", path: "/b" };
  const events = seen(
    { tag: "nginx.access", data: "GET /a" },
    { tag: "nginx.error", data: Buffer.from("boom \xff", "latin1") },
    { tag: "raw", data: "café", source: other },
    { tag: "what", data: "?", source: other },
    { tag: "_weir.agent", data: "{}", source: other },
  );
  const tags = (filter: EventFilter): string[] =>
    events.filter((event) => filter.wants(event) && !filter.isSilent(event)).map(({ tag }) => tag);
  expect(tags(new EventFilter({}))).toEqual(["nginx.access", "nginx.error", "raw", "what"]);
  expect(tags(new EventFilter({ types: ["access"] }))).toEqual(["nginx.access", "nginx.error"]);
  expect(tags(new EventFilter({ types: ["_unrouted", "raw"] }))).toEqual(["raw", "what"]);
  expect(tags(new EventFilter({ tags: ["*.error", "what"] }))).toEqual(["nginx.error", "what"]);
  expect(tags(new EventFilter({ tags: ["_weir.agent"] }))).toEqual(["_weir.agent"]);
  expect(tags(new EventFilter({ hosts: ["db-*"], grep: patternOf("--grep", "^caf.") }))).toEqual(["raw"]);
  expect(tags(new EventFilter({ grep: patternOf("--grep", "^boom") }))).toEqual(["nginx.error"]);
  // Backtracking would take longer than anyone waits.
  const slow = seen({ tag: "raw", data: "a".repeat(50_000) });
  expect(new EventFilter({ grep: patternOf("--grep", "^(a|a)*b$") }).wants(slow[0]!)).toBe(false);
  expect(() => patternOf("--grep", "(?=a)")).toThrow("a lookahead");
});

test("what makes no sense is said with what to do, before anything is read", async () => {
  const options = { since: "LATEST", follow: true, color: "auto" } as const;
  const asked = (more: object): Promise<void> =>
    runPeek({} as Place, { ...options, ...more }, async () => config);
  const near = { message: "the configuration has no log type acces", hint: "Did you mean access?" };
  await expect(asked({ type: ["raw", "acces"] })).rejects.toMatchObject(near);
  await expect(asked({ grep: "(?=a)" })).rejects.toThrow("--grep: ");
  await expect(asked({ follow: false })).rejects.toMatchObject({ hint: expect.stringContaining("--since") });
});

test("--since is a time, so long ago, or a word of Kinesis'", () => {
  const now = Date.parse("2026-11-21T10:00:00Z");
  expect(readStart("trim_horizon", now)).toBe("TRIM_HORIZON");
  expect(readStart("2h", now)).toEqual(new Date("2026-11-21T08:00:00Z"));
  expect(readStart("2026-11-20", now)).toEqual(new Date("2026-11-20T00:00:00Z"));
  expect(readStart("2026-11-21T10:00:00+01:00", now)).toEqual(new Date("2026-11-21T09:00:00Z"));
  for (const wrong of ["yesterday", "2", "2026-02-31", "2026-11-21T10:00:01Z", "-1h", ""])
    expect(() => readStart(wrong, now)).toThrow(/^It /);
  expect(readWhile("90s")).toBe(90_000);
  for (const wrong of ["0s", "5", "1w"]) expect(() => readWhile(wrong)).toThrow(/^It /);
});
