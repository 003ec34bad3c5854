import { zstdCompressSync } from "node:zlib";
import { afterEach, describe, expect, test, vi } from "vitest";
import { Router, type RoutedBatch } from "../../lambdas/router/router.ts";
import type { StreamRecord } from "../../lambdas/router/stream-record.ts";
import { AggregateBuilder } from "../../wire/aggregate.ts";
import { parseCommit } from "../../wire/commit.ts";
import { COMMIT_MAX_BYTES } from "../../wire/limits.ts";
import type { Source } from "../../wire/provenance.ts";
import {
  aggregate,
  configOf,
  keyLike,
  quarantineOf,
  RAW,
  rejectsOf,
  rowsOf,
  SHARD,
  streamRecord,
  WEB,
  type Line,
} from "./batch-fixture.ts";

/** A producer that may put records on the stream, and nothing else, decides on each byte of these. */

type Tags = readonly (readonly [key: string, value: string])[];

/** An aggregate with tags as they are given. */
function forged(
  records: readonly { readonly data?: string; readonly tags: Tags; readonly tag?: string }[],
): Buffer {
  const builder = new AggregateBuilder(64);
  for (const { data = "x", tags, tag = "raw" } of records) {
    const list = tags.map(([key, value]) => ({ key, value }));
    builder.add(tag, Buffer.from(data), list);
  }
  return builder.finish("1");
}

const at = (source: string, offset: number, ...more: Tags): Tags => [
  ["@", `${source}:${offset}`],
  ["h", "web-9"],
  ["p", "/p"],
  ...more,
];

const VICTIM = [0, 1, 2].map((i) => ({ tag: "raw", data: `victim ${i}` }));
const router = new Router(configOf([RAW], { router: { memoryMb: 256 } }));

/** Routes all records, batch after batch, as Lambda does with what was not taken. */
function routeAll(records: readonly StreamRecord[], by = router): RoutedBatch[] {
  const batches: RoutedBatch[] = [];
  for (let rest = records; rest.length > 0;) {
    const batch = by.route(rest);
    batches.push(batch);
    const next = rest.findIndex(({ sequenceNumber }) => sequenceNumber === batch.next);
    rest = next === -1 ? [] : rest.slice(next);
  }
  return batches;
}

/** Every commit is one that its readers take. */
function expectReadable(batches: readonly RoutedBatch[]): void {
  for (const { commit } of batches) {
    const json = JSON.stringify(commit);
    expect(json.length).toBeLessThanOrEqual(COMMIT_MAX_BYTES);
    expect(parseCommit(json, "commits/k")).toEqual(commit);
  }
}

const victims = (batches: readonly RoutedBatch[]): unknown[] =>
  batches
    .flatMap((batch) => rowsOf(batch))
    .filter(({ _src }) => _src === WEB.id)
    .map(({ line }) => line);

afterEach(() => vi.restoreAllMocks());

describe("a record that states what no commit should say", () => {
  const most = Number.MAX_SAFE_INTEGER;

  test.each<[string, Buffer, string]>([
    ["an extent near 2^53", forged([{ tags: at("A", 0, ["+", `${most - 1}`]) }]), "PROVENANCE"],
    [
      "extents that together are longer than any file",
      forged(["A", "B", "C"].map((id) => ({ tags: at(id, 0, ["+", `${2 ** 45}`]) }))),
      "PROVENANCE",
    ],
    [
      "a gap near 2^53",
      forged([{ tags: at("A", most - 10, ["-", `0:filtered:${most - 10}`]) }]),
      "PROVENANCE",
    ],
    [
      "a gap of more lines than bytes",
      forged([{ tags: at("A", 10, ["-", `0:filtered:${most}`]) }]),
      "PROVENANCE",
    ],
    ["an extent of nothing", forged([{ tags: at("A", 0, ["+", "0"]) }]), "PROVENANCE"],
    [
      "a path of 700,000 characters",
      forged([
        {
          tags: [
            ["@", "A:0"],
            ["h", "h"],
            ["p", "p".repeat(700_000)],
          ],
        },
      ]),
      "PROVENANCE",
    ],
    ["a tag of 100,000 characters", forged([{ tag: "t".repeat(100_000), tags: [] }]), "MALFORMED"],
    [
      "450,000 empty lines in 400 bytes",
      zstdCompressSync(aggregate(Array.from({ length: 450_000 }, () => ({ tag: "raw", data: "" })))),
      "INFLATED_TOO_LARGE",
    ],
    [
      "110,000 sources",
      zstdCompressSync(
        forged(Array.from({ length: 110_000 }, (_, i) => ({ data: "", tags: at(`s${i}`, i) }))),
      ),
      "TOO_MANY_PARTS",
    ],
    [
      "100,000 ranges that run backwards",
      zstdCompressSync(
        forged(Array.from({ length: 100_000 }, (_, i) => ({ data: "", tags: at("S", 4 * (100_000 - i)) }))),
      ),
      "TOO_MANY_PARTS",
    ],
  ])("is quarantined alone: %s", (_what, data, code) => {
    const records = [
      streamRecord(aggregate(VICTIM), 1),
      streamRecord(data, 2),
      streamRecord(Buffer.from("y"), 3, "raw"),
    ];
    const routed = router.route(records);
    expect(routed.quarantined).toMatchObject([{ error: { code }, count: 1, sequenceNumbers: ["49602"] }]);
    expect(quarantineOf(routed)).toMatchObject([
      { reason: code, sequenceNumber: "49602", partitionKey: "p", data: data.toString("base64") },
    ]);
    expect(rowsOf(routed).map(({ line }) => line)).toEqual(["victim 0", "victim 1", "victim 2", "y"]);
    expect(routed.commit.sources).toMatchObject([{ id: WEB.id }]);
    expectReadable([routed]);
  });
});

describe("records that are too much together", () => {
  test("end their batch before its commit is larger than readers take, and none is lost", () => {
    const records = Array.from({ length: 30 }, (_, r) => {
      const lines = Array.from({ length: 3_000 }, (_, i): Line => {
        const source: Source = { id: `s${r}-${i}`, host: "web-9", path: `/var/log/${"x".repeat(60)}` };
        return { tag: "raw", data: "x", source, offset: 0 };
      });
      return streamRecord(zstdCompressSync(aggregate(lines)), 10 + r);
    });
    const batches = routeAll([streamRecord(aggregate(VICTIM), 1), ...records]);
    expect(batches.length).toBeGreaterThan(1);
    expect(batches.flatMap(({ quarantined }) => quarantined)).toEqual([]);
    expect(batches.reduce((rows, { commit }) => rows + commit.types["raw"]!.rows, 0)).toBe(3 + 30 * 3_000);
    expect(victims(batches)).toHaveLength(3);
    expectReadable(batches);
  });

  test("end their batch before their bytes add up to what no number holds", () => {
    const records = Array.from({ length: 300 }, (_, i) =>
      streamRecord(forged([{ tags: at(`s${i}`, 0, ["+", `${2 ** 46}`]) }]), 100 + i),
    );
    const batches = routeAll([...records, streamRecord(aggregate(VICTIM), 900)]);
    expect(batches.length).toBeLessThan(5);
    expect(batches.reduce((rows, { commit }) => rows + commit.types["raw"]!.rows, 0)).toBe(303);
    expect(victims(batches)).toHaveLength(3);
    expectReadable(batches);
  });
});

describe("whoever claims another's source", () => {
  test("keeps none of its lines out, whatever range and host it states", () => {
    const all = ["+", `${2 ** 40}`] as const;
    const sameHost: Tags = [["@", `${WEB.id}:0`], ["h", WEB.host], ["p", WEB.path], all];
    const records = [
      streamRecord(forged([{ data: "forged", tags: sameHost }]), 1),
      streamRecord(forged([{ data: "forged", tags: at(WEB.id, 0, all) }]), 2),
      streamRecord(aggregate(VICTIM), 3),
    ];
    const routed = router.route(records);
    expect(victims([routed])).toEqual(["forged", "forged", "victim 0", "victim 1", "victim 2"]);
    expect(routed.commit.types["raw"]).toMatchObject({ lines: 5, rows: 5, duplicates: 0 });
    expect(routed.commit.sources.map(({ host, conflicts }) => [host, conflicts])).toEqual([
      [WEB.host, 3],
      ["web-9", 1],
    ]);
    expectReadable([routed]);
  });

  const line = (data: string, offset: number, more: Partial<Line> = {}): Line => ({
    tag: "raw",
    data,
    offset,
    ...more,
  });
  const other: Source = { ...WEB, host: "web-9" };

  /** A batch with a loaded conflict that is not marked would be taken as it is, and nobody would ever know. */
  test.each<[string, Line[], number]>([
    ["the same offset, other bytes", [line("first", 0), line("other", 0)], 1],
    ["the same offset, other bytes of another length", [line("first", 0), line("second line", 0)], 1],
    ["the same offset, three ways", [line("a", 0), line("b", 0), line("c", 0)], 2],
    ["an offset inside a line", [line("first", 0), line("x", 3)], 1],
    ["a line over others' offsets", [line("a", 4), line("b", 6), line("over both", 0)], 1],
    ["a line over one of an extent of its own", [line("masked", 0, { extent: 100 }), line("b", 99)], 1],
    ["an offset long past, beside one that is not", [line("a", 0), line("z", 1_000), line("b", 1)], 1],
    ["the bytes of another host's line", [line("first", 0), line("first", 0, { source: other })], 1],
    ["an offset inside another host's line", [line("first", 0, { source: other }), line("x", 3)], 1],
    ["the same line under another log type", [line("first", 0), line("first", 0, { tag: "nobody" })], 1],
    ["bytes that are a rejected line's", [line("first", 0, { tag: "nobody" }), line("other", 0)], 1],
    ["nothing but the end of another", [line("first", 0), line("next", 6)], 0],
    ["the same line again", [line("first", 0), line("first", 0)], 0],
    ["the same line again with another extent", [line("last", 0, { extent: 4 }), line("last", 0)], 0],
    ["the same offset of another source", [line("a", 0), line("b", 0, { source: { ...WEB, id: "x" } })], 0],
  ])("is told from a line that came again: %s", (_what, lines, conflicts) => {
    const routed = router.route(lines.map((line, i) => streamRecord(aggregate([line]), i)));
    const told = routed.commit.sources.filter(({ id }) => id === WEB.id);
    expect(told.reduce((sum, source) => sum + source.conflicts, 0)).toBe(conflicts);
    const again = lines.length - new Set(lines.map((line) => JSON.stringify({ ...line, extent: 0 }))).size;
    expect([...rowsOf(routed), ...rejectsOf(routed)]).toHaveLength(lines.length - again);
    expectReadable([routed]);
  });

  test("is seen where it names another host, in the commit as well", () => {
    const claim = streamRecord(forged([{ tags: at(WEB.id, 5_000) }]), 1);
    const routed = router.route([claim, streamRecord(aggregate(VICTIM), 2)]);
    expect(routed.contested).toEqual([{ id: WEB.id, hosts: ["web-9", WEB.host] }]);
    expect(routed.commit.sources.map(({ id, host }) => [id, host])).toEqual([
      [WEB.id, WEB.host],
      [WEB.id, "web-9"],
    ]);
    const moved = aggregate(
      VICTIM.map((line) => ({ ...line, source: { ...WEB, path: "/var/log/access.log.1" } })),
    );
    expect(router.route([streamRecord(aggregate(VICTIM), 1), streamRecord(moved, 2)]).contested).toEqual([]);
  });

  test("does not bring back a line that came before, byte for byte", () => {
    const twice = [streamRecord(aggregate(VICTIM), 1), streamRecord(aggregate(VICTIM), 2)];
    expect(router.route(twice).commit.types["raw"]).toMatchObject({ lines: 6, rows: 3, duplicates: 3 });
  });
});

describe("records that cannot be opened", () => {
  test("cost one object and one thing to tell for each reason, however many they are", () => {
    const bad = Buffer.concat([Buffer.from("f3899ac2", "hex"), Buffer.alloc(20)]);
    const cut = zstdCompressSync(aggregate(VICTIM)).subarray(0, -3);
    const records = Array.from({ length: 500 }, (_, i) => streamRecord(i % 5 === 0 ? cut : bad, 1_000 + i));
    const routed = router.route(records);
    expect(routed.objects).toHaveLength(1);
    expect(routed.commit.objects).toMatchObject([
      {
        kind: "quarantine",
        type: "",
        rows: 500,
        key: expect.stringMatching(
          keyLike(`quarantine/dt=2026-11-21/${SHARD}-49601000-49601499-`, ".ndjson.zst"),
        ),
      },
    ]);
    expect(routed.quarantined.map(({ error, count }) => [error.code, count])).toEqual([
      ["BAD_COMPRESSION", 100],
      ["DIGEST_MISMATCH", 400],
    ]);
    for (const { sequenceNumbers } of routed.quarantined) expect(sequenceNumbers).toHaveLength(5);
    const kept = quarantineOf(routed);
    expect(kept.map(({ sequenceNumber }) => sequenceNumber)).toEqual(
      records.map(({ sequenceNumber }) => sequenceNumber),
    );
    expect(kept.map(({ data }) => data)).toEqual(
      records.map(({ data }) => Buffer.from(data).toString("base64")),
    );
  });
});

describe("memory", () => {
  const SPAN = {
    ...RAW,
    name: "span",
    parse: { format: "json" },
    time: { field: "t", format: "epoch-seconds" },
  } as const;

  /** Bytes of the buffers that rows and rejected lines are gathered in. */
  function allocated(route: () => void): number {
    let bytes = 0;
    const original = Buffer.allocUnsafe.bind(Buffer);
    vi.spyOn(Buffer, "allocUnsafe").mockImplementation((size) => {
      bytes += size;
      return original(size);
    });
    route();
    vi.restoreAllMocks();
    return bytes;
  }

  test("does not grow with the hours that lines name", () => {
    const spans = new Router(configOf([SPAN]));
    const lines = Array.from({ length: 50_000 }, (_, i) => ({ tag: "span", data: `{"t":${i * 3_600}}` }));
    const record = streamRecord(zstdCompressSync(aggregate(lines)));
    let routed: RoutedBatch | undefined;
    expect(allocated(() => (routed = spans.route([record])))).toBeLessThan(32 * 2 ** 20);
    expect(routed!.commit.objects).toMatchObject([
      { kind: "data", rows: 50_000, from: "1970-01-01T00:00:00.000Z", to: "1975-09-15T07:00:00.000Z" },
    ]);
    expect(routed!.commit.objects[0]!.key).toContain("/dt=2026-11-21/hr=10/");
    expect(rowsOf(routed!)).toHaveLength(50_000);
  });

  test.each([
    ["rows", "raw"],
    ["rejected lines", "nobody"],
  ])("is kept for %s of characters that JSON writes in six bytes", (_what, tag) => {
    const data = "\u0001".repeat(60_000);
    const lines = Array.from({ length: 400 }, () => ({ tag, data }));
    const bomb = streamRecord(aggregate(lines), 5);
    const other = aggregate([{ tag: "raw", data: "after", source: { ...WEB, id: "other" } }]);
    const records = [streamRecord(aggregate(VICTIM), 1), bomb, streamRecord(other, 6)];
    // An eighth of 256 MB is for a batch, and twice that at most; it is gathered twice.
    let batches: RoutedBatch[] = [];
    expect(allocated(() => (batches = routeAll(records)))).toBeLessThan(256 * 2 ** 20);
    expect(batches.flatMap((batch) => rowsOf(batch)).filter(({ line }) => line !== data)).toHaveLength(4);
    const bombs = batches.flatMap((batch) => [...rowsOf(batch), ...rejectsOf(batch)]).length - 4;
    const kept = batches.flatMap((batch) => quarantineOf(batch));
    expect([bombs, kept.length]).toEqual(tag === "raw" ? [0, 1] : [400, 0]);
    expectReadable(batches);
  });
});

test("objects of a batch are bounded over all types", () => {
  const types = Array.from({ length: 30 }, (_, i) => ({
    ...RAW,
    name: `t${i}`,
    parse: { format: "json" } as const,
    time: { field: "t", format: "epoch-seconds" } as const,
  }));
  const lines = types.flatMap(({ name: tag }) =>
    Array.from({ length: 24 }, (_, hour) => ({ tag, data: `{"t":${hour * 3_600}}` })),
  );
  const hostile = new Router(configOf(types)).route([streamRecord(aggregate(lines))]);
  expect(hostile.commit.objects).toHaveLength(30);
  expect(rowsOf(hostile)).toHaveLength(30 * 24);
  const usual = lines.filter((_, i) => i % 24 < 2);
  expect(new Router(configOf(types)).route([streamRecord(aggregate(usual))]).commit.objects).toHaveLength(60);
});
