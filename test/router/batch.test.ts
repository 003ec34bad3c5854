import { randomBytes } from "node:crypto";
import { crc32, zstdCompressSync } from "node:zlib";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Router } from "../../lambdas/router/router.ts";
import { commitSchema, parseCommit } from "../../wire/commit.ts";
import type { WeirConfigInput } from "../../wire/config.ts";
import { heartbeatSchema } from "../../wire/heartbeat.ts";
import { RangeSet } from "../../wire/ranges.ts";
import { kinesisAgg } from "../wire/kinesis-agg.ts";
import {
  aggregate,
  ARRIVED_AT,
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

const EVENT: WeirConfigInput["types"][number] = {
  // So that what is filtered is what agents have left out.
  skip: { blank: false },
  name: "event",
  match: { tags: ["event", "app.*.event"] },
  parse: { format: "json" },
  time: { field: "at", format: "iso8601" },
  columns: [
    { name: "id", type: "bigint", nullable: false },
    { name: "camera", field: "exif.camera", type: "varchar(20)" },
  ],
};
const router = new Router(configOf([EVENT, RAW]));
const event = (id: number, at = "2026-11-21T09:59:59Z") => JSON.stringify({ at, id });
const DB = { id: "ZGItMTIzNDU2", host: "db-1", path: "/var/log/db.log" };

describe("a batch", () => {
  const line = fc.record({
    tag: fc.constantFrom("event", "raw", "app.x.event", "nobody"),
    data: fc.oneof(
      fc.nat().map((id) => event(id)),
      fc.constantFrom("{}", "not json", event(1, "never"), '{"at":"2026-11-21T09:59:59Z","id":1e99}'),
      fc.uint8Array({ maxLength: 20 }).filter((bytes) => !bytes.includes(0x0a)),
    ),
    source: fc.constantFrom(WEB, DB),
    offset: fc.nat(300),
    gap: fc.option(fc.constantFrom("filtered", "too-long"), { nil: undefined }),
  });
  const lines = fc
    .array(line, { maxLength: 20 })
    .map((lines): Line[] =>
      lines.map(({ gap, ...line }) =>
        gap && line.offset >= 10 ? { ...line, gap: { from: line.offset - 10, reason: gap, lines: 2 } } : line,
      ),
    );
  const batch = fc
    .array(
      fc.oneof(
        { weight: 4, arbitrary: lines.map(aggregate) },
        { weight: 1, arbitrary: fc.constant(Buffer.from("plain")) },
      ),
      {
        minLength: 1,
        maxLength: 4,
      },
    )
    .map((records) => records.map((data, i) => streamRecord(data, i)));

  test("gives the same keys and bytes each time, whichever router, whatever came before", () => {
    fc.assert(
      fc.property(batch, (records) => {
        const other = new Router(configOf([EVENT, RAW])).route(records);
        expect(router.route(records)).toEqual(other);
      }),
    );
  });

  test("never writes other bytes under a key that it had under another configuration", () => {
    const short = { ...EVENT, columns: [{ ...EVENT.columns[0]!, nullable: true }] };
    const renamed = { ...RAW, name: "lines", match: { tags: ["raw"] } };
    const others = [configOf([short, RAW]), configOf([EVENT, renamed]), configOf([RAW])].map(
      (config) => new Router(config),
    );
    fc.assert(
      fc.property(batch, fc.constantFrom(...others), (records, other) => {
        const [first, second] = [router.route(records), other.route(records)];
        expect(second.id).toEqual(first.id);
        expect(second.commit.config).not.toBe(first.commit.config);
        const bodies = new Map(first.objects.map(({ key, body }) => [key, body]));
        for (const { key, body } of second.objects)
          if (bodies.has(key)) expect(body).toEqual(bodies.get(key));
      }),
    );
  });

  test("accounts for every line: the commit balances, and names what the objects hold", () => {
    fc.assert(
      fc.property(batch, (records) => {
        const routed = router.route(records);
        const commit = commitSchema.parse(routed.commit);
        expect(routed.objects.map(({ key, body }) => [key, body.length])).toEqual(
          commit.objects.map(({ key, bytes }) => [key, bytes]),
        );
        let lines = 0;
        for (const [type, counts] of Object.entries(commit.types)) {
          const { rows, rejected, filtered, duplicates } = counts;
          expect(counts.lines).toBe(rows + rejected + filtered + duplicates);
          expect(rowsOf(routed, type)).toHaveLength(rows);
          expect(rejectsOf(routed, type)).toHaveLength(rejected);
          lines += counts.lines - filtered;
        }
        expect(lines).toBe(commit.userRecords);
        const identities = [...rowsOf(routed), ...rejectsOf(routed)].map(
          ({ _src, _off }) => [_src, _off] as const,
        );
        for (const [id, ofSource] of Map.groupBy(commit.sources, ({ id }) => id)) {
          const offsets = identities.filter(([src]) => src === id).map(([, offset]) => offset);
          const distinct = new Set(offsets).size === offsets.length;
          expect(distinct || ofSource.some(({ conflicts }) => conflicts > 0)).toBe(true);
        }
        for (const { id, ranges } of commit.sources) {
          const delivered = RangeSet.of(ranges);
          for (const [src, offset] of identities) {
            if (src === id) expect(delivered.covers(offset, offset + 1)).toBe(true);
          }
        }
      }),
    );
  });
});

describe("rows", () => {
  test("carry where the line stands, when it arrived, event time, columns and what has no column", () => {
    const data =
      '{"at":"2026-11-21T09:59:59.5Z","id":12345678901234567,"exif":{"camera":"X","lens":"Y"},"Id":2,"n":null}\r';
    const routed = router.route([streamRecord(aggregate([{ tag: "app.web.event", data, offset: 7 }]))]);
    expect(rowsOf(routed)).toEqual([
      {
        _time: "2026-11-21 09:59:59.500",
        _src: WEB.id,
        _off: 7,
        _crc: crc32(data),
        _host: "web-1",
        _arrived_at: "2026-11-21 10:00:00.250",
        _extra: { exif: { lens: "Y" }, Id: 2 },
        id: "12345678901234567",
        camera: "X",
      },
    ]);
    const [source] = routed.commit.sources;
    expect(source).toEqual({
      ...WEB,
      ranges: [[7, 8 + data.length]],
      gaps: [],
      types: ["event"],
      conflicts: 0,
    });
    expect(routed.commit.objects[0]).toMatchObject({
      key: expect.stringMatching(
        keyLike(`data/type=event/dt=2026-11-21/hr=09/${SHARD}-49601-49601-`, ".ndjson.zst"),
      ),
      from: "2026-11-21T09:59:59.500Z",
    });
  });

  test("are filed by hour of event time, in gzip where the configuration says so", () => {
    const lines = ["08:59:59.999Z", "09:00:00Z", "08:00:00Z"].map((time, i) => ({
      tag: "event",
      data: event(i, `2026-11-21T${time}`),
    }));
    const zipped = new Router(configOf([EVENT], { lake: { compression: "gzip" } }));
    const routed = zipped.route([streamRecord(aggregate(lines))]);
    const key = (hour: string) =>
      expect.stringMatching(
        keyLike(`data/type=event/dt=2026-11-21/hr=${hour}/${SHARD}-49601-49601-`, ".ndjson.gz"),
      ) as unknown;
    expect(routed.commit.objects).toMatchObject([
      { key: key("08"), rows: 2 },
      { key: key("09"), rows: 1 },
    ]);
    expect(rowsOf(routed).map(({ id }) => id)).toEqual([0, 2, 1]);
  });

  test("of more hours than the limit are filed together in the hour of arrival", () => {
    const lines = [0, 1, 2, 3].map((hour) => ({
      tag: "event",
      data: event(hour, `2020-01-01T0${hour}:00:00Z`),
    }));
    const limited = new Router(configOf([EVENT], { lake: { maxHoursPerBatch: 3 } }));
    const routed = limited.route([streamRecord(aggregate(lines))]);
    expect(routed.commit.objects).toMatchObject([
      { rows: 4, from: "2020-01-01T00:00:00.000Z", to: "2020-01-01T03:00:00.000Z" },
    ]);
    expect(routed.commit.objects[0]?.key).toContain("/dt=2026-11-21/hr=10/");
    expect(limited.route([streamRecord(aggregate(lines.slice(1)))]).commit.objects).toHaveLength(3);
  });
});

/** Each way to a row, and the one to a rejected line, writes the CRC-32 of the bytes as they came. */
test("rows and rejected lines tell what their bytes were, whichever way they went", () => {
  const lines: Line[] = [
    { tag: "event", data: event(1) },
    { tag: "event", data: `${event(2)}\r` },
    { tag: "event", data: '{"at":"2026-11-21T09:59:59Z","id":3,"text":"caf\u00e9 \\u00e9"}' },
    { tag: "raw", data: "" },
    { tag: "raw", data: Buffer.from("masked"), extent: 100 },
    { tag: "raw", data: Buffer.from([0xff, 0xfe]) },
    { tag: "nobody", data: "unrouted" },
  ];
  const foreign = [event(4), "two\nlines", ""];
  const routed = router.route([
    streamRecord(aggregate(lines), 1),
    ...foreign.map((data, i) => streamRecord(Buffer.from(data), 2 + i, i === 0 ? "event" : "raw")),
  ]);
  const crcs = [...rowsOf(routed), ...rejectsOf(routed)].map(({ _crc }) => _crc);
  const expected = [...lines.map(({ data }) => data), event(4), "two", "lines", ""].map((data) =>
    crc32(data),
  );
  expect(new Set(crcs)).toEqual(new Set(expected));
  expect(crcs).toHaveLength(expected.length);
  expect(rejectsOf(routed)).toHaveLength(2);
});

describe("a line without a row", () => {
  test("is kept as it came, with its reason", () => {
    const bytes = Buffer.from([0x7b, 0xff, 0xfe]);
    const lines: Line[] = [
      { tag: "nobody", data: "x" },
      { tag: "event", data: bytes },
      { tag: "event", data: '{"id":1}' },
      { tag: "event", data: '{"at":"2026-11-21T09:59:59Z"}' },
      {
        tag: "event",
        data: '{"at":"2026-11-21T09:59:59Z","id":1,"exif":{"camera":"123456789012345678901"}}',
      },
      { tag: "event", data: "{" },
    ];
    const routed = router.route([streamRecord(aggregate(lines))]);
    const rejects = rejectsOf(routed);
    expect(rejects.map(({ reason, field, type }) => [type, reason, field])).toEqual([
      ["_unrouted", "unrouted", undefined],
      ["event", "unparsed", undefined],
      ["event", "time", "at"],
      ["event", "missing", "id"],
      ["event", "length", "camera"],
      ["event", "unparsed", undefined],
    ]);
    expect(rejects.map(({ data, encoding }) => Buffer.from(data, encoding))).toEqual(
      lines.map(({ data }) => Buffer.from(data)),
    );
    expect(rejects.map(({ _crc }) => _crc)).toEqual(lines.map(({ data }) => crc32(data)));
    expect(rejects.map(({ _src, _off }) => [_src, _off])).toEqual(
      [0, 2, 6, 15, 45, 124].map((offset) => [WEB.id, offset]),
    );
    expect(new Set(rejects.map(({ _path }) => _path))).toEqual(new Set([WEB.path]));
    expect(routed.commit.sources[0]?.types).toEqual(["_unrouted", "event"]);
  });

  test("may be as long as a record: the router stands rows over 4 MB and refuses them", () => {
    const data = JSON.stringify({
      at: "2026-11-21T09:59:59Z",
      id: 1,
      texts: Array(100).fill("x".repeat(60_000)),
    });
    const routed = router.route([streamRecord(aggregate([{ tag: "event", data }]))]);
    expect(rejectsOf(routed)).toMatchObject([{ reason: "too-large", data }]);
  });
});

describe("bytes that come again", () => {
  const three = [1, 2, 3].map((id) => ({ tag: "event", data: event(id) }));
  const length = event(1).length + 1;

  test("in a batch are dropped and counted, lines beside them are not", () => {
    const again = aggregate([
      { ...three[1]!, offset: length },
      { tag: "event", data: event(4), offset: 3 * length },
    ]);
    const routed = router.route([streamRecord(aggregate(three), 1), streamRecord(again, 2)]);
    expect(rowsOf(routed).map(({ id }) => id)).toEqual([1, 2, 3, 4]);
    expect(routed.commit.types["event"]).toMatchObject({
      lines: 5,
      rows: 4,
      duplicates: 1,
      bytes: 5 * length,
    });
    expect(routed.commit.sources[0]?.ranges).toEqual([[0, 4 * length]]);
  });

  test("of another source are other bytes", () => {
    const routed = router.route([
      streamRecord(aggregate(three), 1),
      streamRecord(aggregate(three.map((line) => ({ ...line, source: DB }))), 2),
    ]);
    expect(routed.commit.types["event"]).toMatchObject({ rows: 6, duplicates: 0 });
    expect(routed.commit.sources.map(({ id }) => id)).toEqual([DB.id, WEB.id].sort());
  });
});

describe("a gap", () => {
  test("is in the commit once, and its lines count as filtered, however often it is told", () => {
    const line: Line = {
      tag: "event",
      data: event(1),
      offset: 100,
      gap: { from: 40, reason: "filtered", lines: 3 },
    };
    const routed = router.route([streamRecord(aggregate([line]), 1), streamRecord(aggregate([line]), 2)]);
    expect(routed.commit.types["event"]).toMatchObject({ lines: 5, rows: 1, filtered: 3, duplicates: 1 });
    expect(routed.commit.sources[0]).toMatchObject({
      ranges: [[100, 101 + event(1).length]],
      gaps: [{ from: 40, to: 100, reason: "filtered", lines: 3 }],
    });
  });

  test("of an earlier identity names the source that has its bytes, and leaves nothing out", () => {
    const before = { from: 0, reason: "earlier-identity", lines: 0, source: "b2xkZXIxMjM0" } as const;
    const gap = { from: 2 ** 50, reason: "filtered", lines: 3, before } as const;
    const line: Line = { tag: "event", data: event(1), offset: 2 ** 50 + 60, gap };
    const routed = router.route([streamRecord(aggregate([line]))]);
    expect(routed.commit.quarantined).toBe(0);
    const bytes = 60 + event(1).length + 1;
    expect(routed.commit.types["event"]).toMatchObject({ lines: 4, rows: 1, filtered: 3, bytes });
    const [source] = parseCommit(JSON.stringify(routed.commit), "").sources;
    expect(source!.gaps).toEqual([
      { from: 0, to: 2 ** 50, reason: "earlier-identity", lines: 0, source: "b2xkZXIxMjM0" },
      { from: 2 ** 50, to: 2 ** 50 + 60, reason: "filtered", lines: 3 },
    ]);
  });
});

describe("corrupt records", () => {
  const good = aggregate([
    { tag: "event", data: event(1) },
    { tag: "event", data: event(2) },
  ]);

  test("are quarantined whole, and nothing beside them is lost", () => {
    fc.assert(
      fc.property(fc.nat(good.length - 5), fc.integer({ min: 1, max: 255 }), (at, flip) => {
        const bad = Buffer.from(good);
        bad[at + 4]! ^= flip;
        const other = aggregate([{ tag: "event", data: event(3), source: DB }]);
        const routed = router.route([streamRecord(bad, 1), streamRecord(other, 2)]);
        expect(rowsOf(routed).map(({ id }) => id)).toEqual([3]);
        expect(routed.commit).toMatchObject({ records: 2, userRecords: 1, types: { event: { lines: 1 } } });
        const named = routed.commit.objects.filter(({ kind }) => kind === "quarantine");
        const key = keyLike(`quarantine/dt=2026-11-21/${SHARD}-49601-49602-`, ".ndjson.zst");
        expect(named).toMatchObject([{ key: expect.stringMatching(key), rows: 1 }]);
        expect(routed.commit.quarantined).toBe(1);
        expect(quarantineOf(routed)).toMatchObject([
          { sequenceNumber: "49601", data: bad.toString("base64") },
        ]);
        expect(routed.quarantined).toMatchObject([{ error: { code: "DIGEST_MISMATCH" } }]);
      }),
      { numRuns: 50 },
    );
  });

  test("may break in the middle of their provenance, and give no line then", () => {
    const host = "h".repeat(256);
    const lines: Line[] = [
      { tag: "event", data: event(1) },
      { tag: "event", data: event(2), source: { id: "other", host, path: "/x" } },
    ];
    const routed = router.route([streamRecord(aggregate(lines))]);
    expect(routed.commit).toMatchObject({ userRecords: 0, types: {}, sources: [] });
    expect(routed.quarantined).toMatchObject([{ error: { code: "PROVENANCE" } }]);
  });

  test("may be cut zstd frames, or unpack to more than memory has room for", () => {
    const frame = zstdCompressSync(good);
    const small = new Router(configOf([RAW], { router: { memoryMb: 256 } }));
    const huge = aggregate([{ tag: "raw", data: Buffer.alloc(33 * 2 ** 20, "x") }]);
    expect(router.route([streamRecord(frame)]).commit.types["event"]?.rows).toBe(2);
    expect(router.route([streamRecord(frame.subarray(0, -3))]).quarantined).toMatchObject([
      { error: { code: "BAD_COMPRESSION" } },
    ]);
    expect(small.route([streamRecord(zstdCompressSync(huge))]).quarantined).toMatchObject([
      { error: { code: "INFLATED_TOO_LARGE" } },
    ]);
  });
});

describe("a batch that unpacks to more than memory holds", () => {
  test("is taken up to there, and each call takes at least one record more", () => {
    const router = new Router(configOf([RAW], { router: { memoryMb: 256 } }));
    const records = [0, 1, 2, 3, 4].map((i) => {
      const lines = Array.from({ length: 200 }, (_, j) => ({
        tag: "raw",
        data: randomBytes(30_000).toString("hex"),
        offset: (i * 200 + j) * 60_001,
      }));
      return streamRecord(zstdCompressSync(aggregate(lines)), i);
    });
    const committed: number[] = [];
    let rest = records;
    while (rest.length > 0) {
      const { commit, next } = router.route(rest);
      committed.push(commit.records);
      expect(commit.firstSequenceNumber).toBe(rest[0]!.sequenceNumber);
      expect(commit.lastSequenceNumber).toBe(rest[commit.records - 1]!.sequenceNumber);
      expect(next).toBe(rest[commit.records]?.sequenceNumber);
      rest = rest.slice(commit.records);
    }
    // 12 MB each, and 32 MB is an eighth of 256.
    expect(committed).toEqual([2, 2, 1]);
  });
});

describe("records of other producers", () => {
  test("have the identity of their place on the stream, from aggregates as from plain records", () => {
    const aggregator = new kinesisAgg.RecordAggregator();
    for (const id of [1, 2]) {
      aggregator.addUserRecord({ partitionKey: "event", explicitHashKey: "1", data: Buffer.from(event(id)) });
    }
    const routed = router.route([
      streamRecord(aggregator.build()!.data, 1),
      streamRecord(Buffer.from(`${event(3)}\n`), 2, "event"),
    ]);
    expect(rowsOf(routed).map(({ _src, _off, _host, id }) => [_src, _off, _host, id])).toEqual([
      [`${SHARD}:49601`, 0, undefined, 1],
      [`${SHARD}:49601`, 1, undefined, 2],
      [`${SHARD}:49602`, 0, undefined, 3],
    ]);
    expect(routed.commit).toMatchObject({
      sources: [],
      types: { event: { rows: 3, foreignRows: 3, duplicates: 0 } },
    });
  });

  test("have their tag in a field of theirs where the configuration says so", () => {
    const router = new Router(configOf([EVENT], { foreign: { tag: { field: "meta.tag" } } }));
    const tagged = (tag: unknown) =>
      Buffer.from(JSON.stringify({ at: "2026-11-21T09:59:59Z", id: 1, meta: { tag } }));
    const records = [
      tagged("event"),
      tagged("x"),
      tagged(7),
      Buffer.from("text"),
      aggregate([{ tag: "event", data: event(2) }]),
    ];
    const routed = router.route(records.map((data, i) => streamRecord(data, i, "event")));
    // A record without one has its partition key, which is "event" too.
    expect(rowsOf(routed).map(({ id }) => id)).toEqual([1, 1, 2]);
    expect(rejectsOf(routed).map(({ reason, tag }) => [reason, tag])).toEqual([
      ["unrouted", "x"],
      ["unparsed", "event"],
    ]);
  });

  test("are not agents: a heartbeat of theirs is no heartbeat", () => {
    const routed = router.route([streamRecord(Buffer.from("{}"), 1, "_weir.agent")]);
    expect(rejectsOf(routed)).toMatchObject([{ type: "_unrouted", reason: "unrouted", tag: "_weir.agent" }]);
  });
});

test("heartbeats are rows of their own type, and heartbeats again without their metadata", () => {
  const heartbeat = {
    at: "2026-11-21T10:00:00.000Z",
    host: "web-1",
    agent: { version: "0.1.0", node: "v24.21.0", pid: 7, startedAt: "2026-11-21T09:00:00.000Z" },
    sources: [
      {
        ...WEB,
        tag: "event",
        size: 10,
        read: 10,
        delivered: 5,
        endReachedAt: null,
        state: "active",
        finalSize: null,
      },
    ].map(({ host: _host, ...source }) => source),
  };
  const source = { id: "aGVhcnRiZWF0", host: "web-1", path: "weir:heartbeat" };
  const routed = router.route([
    streamRecord(aggregate([{ tag: "_weir.agent", data: JSON.stringify(heartbeat), source }])),
  ]);
  const { _time, _src, _off, _crc: _, _host, _arrived_at, ...row } = rowsOf(routed, "_weir.agent")[0]!;
  expect(heartbeatSchema.parse(row)).toEqual(heartbeat);
  expect([_time, _src, _off, _host]).toEqual(["2026-11-21 10:00:00.000", source.id, 0, "web-1"]);
  expect(_arrived_at).toBe("2026-11-21 10:00:00.250");
  expect(routed.commit.types["_weir.agent"]).toMatchObject({ lines: 1, rows: 1 });
});

test("of two types that take a tag the first has it, and a glob takes no more than it says", () => {
  const routes = new Router(
    configOf([
      { ...RAW, name: "one", match: { tags: ["a.*"] } },
      { ...RAW, name: "two", match: { tags: ["a.b", "*.c", "x+y"] } },
    ]),
  );
  const lines = ["a.b", "z.c", "a.", "aXb", "x+y", "xxy", "b.a.b", "z.c\n"].map((tag) => ({
    tag,
    data: "x",
  }));
  const routed = routes.route([streamRecord(aggregate(lines))]);
  expect(Object.entries(routed.commit.types).map(([type, { lines }]) => [type, lines])).toEqual([
    ["_unrouted", 4],
    ["one", 2],
    ["two", 2],
  ]);
});

test("random partition keys, one a record, do not fill memory or change the answer", () => {
  const records = Array.from({ length: 5_000 }, (_, i) =>
    streamRecord(Buffer.from(event(i)), i, randomBytes(8).toString("hex")),
  );
  const { commit } = router.route([...records, streamRecord(Buffer.from(event(1)), 9_999, "event")]);
  expect(commit.types).toMatchObject({ _unrouted: { rejected: 5_000 }, event: { rows: 1 } });
  expect(commit.arrivedTo).toBe(ARRIVED_AT.toISOString());
});

test("records of two shards are refused: a batch has one", () => {
  const record = streamRecord(Buffer.from("x"));
  expect(() => router.route([record, { ...record, shardId: "shardId-000000000001" }])).toThrow(
    /shardId-000000000001/,
  );
});
