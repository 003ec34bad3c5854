import { crc32, gzipSync } from "node:zlib";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Router, type RoutedBatch } from "../../lambdas/router/router.ts";
import { commitSchema, noLines, type TypeCounts } from "../../wire/commit.ts";
import type { WeirConfigInput } from "../../wire/config.ts";
import { batchName, parseUnfiledKey } from "../../wire/keys.ts";
import {
  aggregate,
  configOf,
  type Line,
  quarantineOf,
  RAW,
  rejectsOf,
  type Row,
  rowsOf,
  SHARD,
  streamRecord,
  WEB,
} from "./batch-fixture.ts";
import { reparse, unfiledOf } from "./reparse-fixture.ts";

type Types = WeirConfigInput["types"];

const json = (
  name: string,
  tags: string[],
  type: "integer" | "varchar(3)" | "varchar(20)",
): Types[number] => ({
  name,
  match: { tags },
  parse: { format: "json" },
  columns: [
    { name: "v", type, nullable: false },
    { name: "tag", field: "_tag", type: "varchar(20)" },
    { name: "path", field: "_path", type: "varchar(100)" },
    { name: "host", field: "_host", type: "varchar(100)" },
  ],
});

/** Of those, a configuration is mended by another. */
const CONFIGS = [
  configOf([json("photo", ["photo"], "integer")]),
  configOf([json("photo", ["p*"], "varchar(3)"), { ...RAW, match: { tags: ["raw", "other"] } }]),
  configOf([
    json("image", ["photo"], "varchar(20)"),
    { ...RAW, match: { tags: ["page"] }, skip: { comments: ["{"] } },
  ]),
  configOf([json("photo", ["photo", "page"], "varchar(20)"), { ...RAW, invalidUtf8: "replace" }], {
    foreign: { tag: { field: "t" } },
  }),
];

const line = fc.record({
  tag: fc.constantFrom("photo", "page", "other", "raw"),
  data: fc.oneof(
    fc.constantFrom("{", '{"v":1}', '{"v":"abcd"}', '{"v":"ab","t":"raw"}', '{"t":"photo"}', "", "x"),
    fc.uint8Array({ maxLength: 4 }),
    fc.constant('{"v":"é","more":[1]}'),
  ),
});
const sources = [WEB, { id: "b3RoZXIxMjM0", host: "web-2", path: "/var/log/page.log" }];
const own = fc.record({ lines: fc.array(line, { maxLength: 8 }), source: fc.constantFrom(...sources) });
const foreign = fc.tuple(line, fc.boolean());
const records = fc.array(fc.oneof(own, foreign), { minLength: 1, maxLength: 6 });

/** Records of a batch: aggregates of an agent, whose sources go on, and plain ones, a few of which are spoilt. */
function batchOf(parts: readonly (typeof records extends fc.Arbitrary<infer T> ? T : never)[number][]) {
  const next = new Map<string, number>();
  return parts.map((part, i) => {
    if (Array.isArray(part)) {
      const [{ tag, data }, isSpoilt] = part;
      return streamRecord(isSpoilt ? Buffer.from([0x1f, 0x8b, 0x08, 1]) : Buffer.from(data), i + 1, tag);
    }
    const { lines, source } = part;
    let offset = next.get(source.id) ?? 0;
    const placed = lines.map(({ tag, data }): Line => {
      const at = offset;
      offset += Buffer.from(data).length + 1;
      return { tag, data, source, offset: at };
    });
    next.set(source.id, offset);
    return streamRecord(aggregate(placed), i + 1);
  });
}

const placeOf = ({ _src, _off }: { readonly _src: string; readonly _off: number }): string =>
  `${_src}@${_off}`;
const byPlace = <T extends { readonly _src: string; readonly _off: number }>(lines: readonly T[]) =>
  new Map(lines.map((line) => [placeOf(line), line]));

/** Rows of all types, with the type. */
const typedRows = (routed: RoutedBatch): (Row & { type: string })[] =>
  Object.keys(routed.commit.types).flatMap((type) => rowsOf(routed, type).map((row) => ({ ...row, type })));

const configs = fc.constantFrom(...CONFIGS);

describe("lines that were rejected under one configuration, and are filed anew under another", () => {
  test("become what they would have been, and are counted once", async () => {
    const property = fc.asyncProperty(records, configs, configs, async (parts, before, after) => {
      const batch = batchOf(parts);
      const first = new Router(before).route(batch);
      const direct = new Router(after).route(batch);
      const [wantedRows, wantedRejects] = [byPlace(typedRows(direct)), byPlace(rejectsOf(direct))];
      const commits = [first.commit];
      let unchanged = 0;
      for (const [key, body] of unfiledOf(first)) {
        const { batch: again, found } = await reparse(after, key, body);
        const { kind, type } = parseUnfiledKey(key)!;
        const rejected = byPlace(kind === "rejected" ? rejectsOf(first, type) : []);
        if (again === undefined) {
          unchanged += found.read;
          for (const [place, { reason, field }] of rejected)
            expect(wantedRejects.get(place)).toMatchObject({ type, reason, ...(field && { field }) });
          continue;
        }
        commits.push(again.commit);
        commitSchema.parse(again.commit);
        expect(again.commit.batchId).toBe(batchName(again.id));
        expect(again.commit.consumed).toMatchObject([{ kind, type, key, rows: found.read }]);
        // The same object gives the same commit, whoever files it anew.
        expect((await reparse(after, key, body)).batch).toEqual(again);
        for (const row of typedRows(again)) expect(row).toEqual(wantedRows.get(placeOf(row)));
        for (const reject of rejectsOf(again)) expect(reject).toEqual(wantedRejects.get(placeOf(reject)));
        const filed = [...typedRows(again), ...rejectsOf(again)].map(placeOf);
        expect(new Set(filed).size).toBe(filed.length);
        const skipped = Object.values(again.commit.types).reduce((sum, { filtered }) => sum + filtered, 0);
        if (kind === "rejected") expect(filed.length + skipped).toBe(found.read);
        for (const place of filed) if (kind === "rejected") expect(rejected.has(place)).toBe(true);
        expect(again.commit.records + again.commit.bytes).toBe(0);
      }
      const sum = (type: string, of: keyof TypeCounts): number =>
        commits.reduce((total, { types }) => total + ((types[type] ?? noLines())[of] ?? 0), 0);
      const total = (of: keyof TypeCounts): number =>
        [...new Set(commits.flatMap(({ types }) => Object.keys(types)))].reduce(
          (n, type) => n + sum(type, of),
          0,
        );
      const consumed = commits.flatMap(({ consumed = [] }) => consumed);
      const records0 = consumed
        .filter(({ kind }) => kind === "quarantine")
        .reduce((n, { rows }) => n + rows, 0);
      const quarantined = commits.reduce((n, commit) => n + commit.quarantined, 0) - records0;
      // Every line is somewhere, once.
      expect(total("lines") - total("reparsed")).toBe(commits.reduce((n, c) => n + c.userRecords, 0));
      expect(
        total("rows") + total("filtered") + total("duplicates") + total("rejected") - total("reparsed"),
      ).toBe(total("lines") - total("reparsed"));
      expect(total("rejected") - total("reparsed")).toBeGreaterThanOrEqual(0);
      expect(quarantined).toBe(direct.commit.quarantined);
      expect(unchanged).toBeLessThanOrEqual(first.commit.userRecords + first.commit.quarantined);
    });
    await fc.assert(property, { numRuns: 150 });
  });

  test("change nothing, and make no commit, where everything is rejected again for the same reasons", async () => {
    const lines = [
      { tag: "photo", data: '{"v":"abcd"}' },
      { tag: "page", data: "x" },
    ];
    const routed = new Router(CONFIGS[0]!).route([streamRecord(aggregate(lines))]);
    for (const [key, body] of unfiledOf(routed)) {
      const { batch, found } = await reparse(CONFIGS[0]!, key, body);
      expect(batch).toBeUndefined();
      expect(found).toMatchObject({ read: 1, quarantined: 0 });
      expect(found.reasons).toHaveLength(1);
    }
  });

  test("can be rejected again, and filed in their turn", async () => {
    const lines = ['{"v":"ab"}', '{"v":"abcd"}', "{"].map((data) => ({ tag: "photo", data }));
    const routed = new Router(CONFIGS[0]!).route([streamRecord(aggregate(lines), 7)]);
    const [[key, body] = ["", Buffer.of()]] = unfiledOf(routed);
    const second = (await reparse(CONFIGS[1]!, key, body)).batch!;
    expect(second.commit.types["photo"]).toMatchObject({ lines: 3, rows: 1, rejected: 2, reparsed: 3 });
    const [[key2, body2] = ["", Buffer.of()]] = unfiledOf(second);
    const { batch: third, found } = await reparse(CONFIGS[3]!, key2, body2);
    expect(third!.commit.types["photo"]).toMatchObject({ lines: 2, rows: 1, rejected: 1, reparsed: 2 });
    expect(found.reasons).toMatchObject([
      { type: "photo", reason: "unparsed", count: 1, example: { line: "{", place: `${WEB.id}@24` } },
    ]);
    const { origin: _, ...ends } = routed.id;
    expect(third!.id).toMatchObject(ends);
    expect([second, third!].map(({ commit }) => [commit.arrivedFrom, commit.arrivedTo])).toEqual(
      [1, 2].map(() => [routed.commit.arrivedFrom, routed.commit.arrivedTo]),
    );
  });

  test("have the CRC-32 of their bytes where an earlier release stored none, and what that knew of paths", async () => {
    const stored = { reason: "type", detail: "d", type: "photo", tag: "photo", _off: 5, encoding: "utf8" };
    const rest = { _host: "web-1", _arrived_at: "2026-11-21 10:00:00.250", data: '{"v":"ab"}' };
    const own = { ...stored, ...rest, _src: WEB.id };
    const foreign = { ...stored, ...rest, _src: `${SHARD}:49601`, _host: null };
    const body = gzipSync([own, foreign].map((line) => `${JSON.stringify(line)}\n`).join(""));
    const key = `rejected/type=photo/dt=2026-11-21/${SHARD}-49601-49602.ndjson.gz`;
    const { batch } = await reparse(CONFIGS[1]!, key, body);
    const row = { _off: 5, _crc: crc32(rest.data), v: "ab", tag: "photo" };
    expect(rowsOf(batch!)).toMatchObject([
      { ...row, _src: WEB.id, _host: "web-1", host: "web-1" },
      { ...row, _src: `${SHARD}:49601` },
    ]);
    for (const row of rowsOf(batch!)) expect(row).not.toHaveProperty("path");
    expect(batch!.commit.consumed).toEqual([
      { kind: "rejected", type: "photo", key, rows: 2, shardId: SHARD },
    ]);
    expect(batch!.commit.types["photo"]).toMatchObject({ rows: 2, foreignRows: 1, reparsed: 2 });
  });

  test("say where they are within what a commit may hold, and which of them claim one place", async () => {
    const count = 35_000;
    const lines = function* (): Generator<string> {
      for (let i = 0; i < count; i++) {
        const _off = 1e14 + i * 1e6;
        yield JSON.stringify({
          reason: "unrouted",
          detail: "",
          type: "_unrouted",
          tag: "raw",
          _src: "src",
          _off,
          _crc: i,
          _host: "h",
          _arrived_at: "2026-11-21 10:00:00.250",
          encoding: "utf8",
          data: "x",
        });
      }
      yield JSON.stringify({
        reason: "unrouted",
        detail: "",
        type: "_unrouted",
        tag: "raw",
        _src: "src",
        _off: 1e14,
        _crc: 7,
        _host: "h",
        _arrived_at: "2026-11-21 10:00:00.250",
        encoding: "utf8",
        data: "y",
      });
    };
    const body = gzipSync([...lines()].map((line) => `${line}\n`).join(""));
    const key = `rejected/type=_unrouted/dt=2026-11-21/${SHARD}-1-2.ndjson.gz`;
    const { batch } = await reparse(CONFIGS[3]!, key, body);
    expect(batch!.commit.sources).toEqual([
      {
        id: "src",
        host: "h",
        path: "",
        ranges: [[1e14, 1e14 + (count - 1) * 1e6 + 2]],
        gaps: [],
        types: ["raw"],
        conflicts: 1,
      },
    ]);
    expect(batch!.commit.types).toMatchObject({
      raw: { lines: count + 1, rows: count + 1 },
      _unrouted: { lines: 0, reparsed: count + 1 },
    });
  });
});

describe("records that could not be opened", () => {
  /** That of a release which could not read these records. */
  const [raw] = [configOf([{ ...RAW, match: { tags: ["*"] } }])];

  test("are opened anew under their shard and sequence number, and stay quarantined where they cannot be", async () => {
    const spoilt = Buffer.from([0x1f, 0x8b, 0x08, 1]);
    const records = [streamRecord(spoilt, 1), streamRecord(spoilt, 2), streamRecord(spoilt, 3)];
    const routed = new Router(raw).route(records);
    const stored = quarantineOf(routed);
    // As if the second and third could be read by now.
    const readable = [spoilt, Buffer.from("plain"), aggregate([{ tag: "a", data: "own", offset: 9 }])];
    const lines = stored.map((one, i) => ({ ...one, data: readable[i]!.toString("base64") }));
    const body = gzipSync(lines.map((line) => `${JSON.stringify(line)}\n`).join(""));
    const key = `quarantine/dt=2026-11-21/${SHARD}-49601-49603.ndjson.gz`;
    const { batch, found } = await reparse(raw, key, body);
    expect(rowsOf(batch!)).toMatchObject([
      { _src: `${SHARD}:49602`, _off: 0, line: "plain", _arrived_at: "2026-11-21 10:00:00.250" },
      { _src: WEB.id, _off: 9, line: "own" },
    ]);
    expect(found).toMatchObject({ read: 3, quarantined: 1, types: { raw: { lines: 2, rows: 2 } } });
    expect(batch!.commit).toMatchObject({
      records: 0,
      userRecords: 2,
      quarantined: 1,
      bytes: 0,
      sources: [{ ...WEB, ranges: [[9, 13]], gaps: [], types: ["raw"], conflicts: 0 }],
      types: { raw: { reparsed: 0 } },
      consumed: [{ kind: "quarantine", type: "", key, rows: 3, shardId: SHARD }],
    });
    // What is left can be tried again: its shard is not in the key any more.
    expect(quarantineOf(batch!)).toEqual([{ ...stored[0], shardId: SHARD }]);
    const [[key2, body2] = ["", Buffer.of()]] = unfiledOf(batch!);
    const again = await reparse(raw, key2, body2);
    expect([again.batch, again.found.quarantined]).toEqual([undefined, 1]);
    expect(again.found.reasons[0]?.example.place).toBe(`${SHARD}:49601`);
  });
});
