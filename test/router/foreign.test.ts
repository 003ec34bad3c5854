import { deflateSync, gzipSync, zstdCompressSync } from "node:zlib";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Router, type RoutedBatch } from "../../lambdas/router/router.ts";
import { splitEvents } from "../../lambdas/router/split-events.ts";
import { AggregateBuilder } from "../../wire/aggregate.ts";
import { SNAPPY_STREAM, unpackSnappyBlock } from "../../wire/snappy.ts";
import type { WeirConfigInput } from "../../wire/config.ts";
import { aggregate, configOf, RAW, rejectsOf, rowsOf, SHARD, streamRecord } from "./batch-fixture.ts";

const EVENT: WeirConfigInput["types"][number] = {
  name: "event",
  parse: { format: "json" },
  columns: [{ name: "id", type: "integer", nullable: false }],
};
const config = configOf([EVENT, RAW]);
const router = new Router(config);

/** A record of another producer with the tag for its partition key. */
const route = (data: Uint8Array | string, tag = "event", by = router): RoutedBatch =>
  by.route([streamRecord(Buffer.from(data), 1, tag)]);

const ids = (routed: RoutedBatch): unknown[] => rowsOf(routed, "event").map(({ id }) => id);
const texts = (routed: RoutedBatch): unknown[] => rowsOf(routed, "raw").map(({ line }) => line);

/** As the KPL packs them: no provenance. */
function kpl(userRecords: readonly (Uint8Array | string)[], tag = "event"): Buffer {
  const builder = new AggregateBuilder(64);
  for (const data of userRecords) builder.add(tag, Buffer.from(data), []);
  return builder.finish("1");
}

/** As `simple_aggregation` of Fluent Bit's kinesis_streams joins records (5.1.1, seen 2026-11). */
const joined = (count: number): string =>
  Array.from({ length: count }, (_, i) => `{"id":${i + 1},"time":"2026-11-26T12:00:00Z"}\n`).join("");

const COMPRESSIONS = {
  none: (data: Uint8Array | string) => Buffer.from(data),
  gzip: (data: Uint8Array | string) => gzipSync(data),
  zlib: (data: Uint8Array | string) => deflateSync(data),
  zstd: (data: Uint8Array | string) => zstdCompressSync(Buffer.from(data)),
  snappy: snappyStream,
  "a block of snappy": snappyBlock,
};
/** A block of literals alone, as an encoder makes it that finds nothing to copy. */
function snappyBlock(content: Uint8Array | string): Buffer {
  const data = Buffer.from(content);
  const length = [(data.length & 0x7f) | 0x80, ((data.length >> 7) & 0x7f) | 0x80, data.length >> 14];
  return Buffer.concat([
    Buffer.from([...length, 61 << 2, (data.length - 1) & 0xff, (data.length - 1) >> 8]),
    data,
  ]);
}

const chunk = (type: number, body: Buffer): Buffer =>
  Buffer.concat([Buffer.from([type, body.length & 0xff, body.length >> 8, 0]), body]);
const CRC = Buffer.alloc(4);

/** A chunk that is packed, one that is not, and padding. */
function snappyStream(content: Uint8Array | string): Buffer {
  const data = Buffer.from(content);
  const half = Math.ceil(data.length / 2);
  return Buffer.concat([
    SNAPPY_STREAM,
    chunk(0, Buffer.concat([CRC, snappyBlock(data.subarray(0, half))])),
    chunk(0xfe, Buffer.alloc(7)),
    chunk(1, Buffer.concat([CRC, data.subarray(half)])),
  ]);
}

const compressions = Object.keys(COMPRESSIONS) as (keyof typeof COMPRESSIONS)[];

describe("the events of a record", () => {
  test.each(compressions)(
    "of joined lines are all rows with an identity each, with %s about them",
    (name) => {
      const routed = route(COMPRESSIONS[name](joined(50)));
      expect(ids(routed)).toEqual(Array.from({ length: 50 }, (_, i) => i + 1));
      expect(rowsOf(routed).map(({ _src, _off }) => [_src, _off])).toEqual(
        Array.from({ length: 50 }, (_, i) => [`${SHARD}:49601`, i]),
      );
      expect(routed.commit).toMatchObject({
        records: 1,
        userRecords: 50,
        types: { event: { lines: 50, rows: 50, foreignRows: 50 } },
      });
    },
  );

  test("are unpacked from layer over layer, in any order of them", () => {
    const layer = fc.constantFrom(...compressions.slice(1));
    fc.assert(
      fc.property(fc.array(layer, { maxLength: 3 }), fc.boolean(), (layers, isAggregate) => {
        const inner = isAggregate ? kpl([joined(2), joined(1)]) : Buffer.from(joined(2));
        const data = layers.reduce((packed, name) => COMPRESSIONS[name](packed), inner);
        expect(ids(route(data))).toEqual(isAggregate ? [1, 2, 1] : [1, 2]);
      }),
    );
  });

  test.each(compressions)("in user records of an aggregate are unpacked with %s too", (name) => {
    const pack = COMPRESSIONS[name];
    const routed = route(kpl([pack('{"id":1}\n'), kpl([pack('{"id":2}'), '{"id":3}']), pack(joined(2))]));
    expect(ids(routed)).toEqual([1, 2, 3, 1, 2]);
    expect(rowsOf(routed).map(({ _off }) => _off)).toEqual([0, 1, 2, 3, 4]);
  });

  test("come from every member, frame and stream, however many there are", () => {
    // A block has no end of its own.
    for (const name of compressions.slice(0, -1)) {
      const packed = [1, 2, 3].map((id) => COMPRESSIONS[name](`{"id":${id}}\n`));
      expect([name, ids(route(Buffer.concat(packed)))]).toEqual([name, [1, 2, 3]]);
    }
    const skippable = Buffer.from("502a4d1804000000abcdabcd", "hex");
    const frames = [skippable, COMPRESSIONS.zstd('{"id":1}'), skippable, COMPRESSIONS.zstd('{"id":2}')];
    expect(ids(route(Buffer.concat(frames)))).toEqual([1, 2]);
  });

  test("are counted where they make no row, and nothing beside them vanishes", () => {
    const routed = route('{"id":1}\n{"id":"x"}\n{"id":2\n{"id":3}\n\n');
    expect(ids(routed)).toEqual([1, 3]);
    expect(rejectsOf(routed).map(({ _off, reason, data }) => [_off, reason, data])).toEqual([
      [1, "type", '{"id":"x"}'],
      [2, "unparsed", '{"id":2'],
    ]);
    expect(routed.commit).toMatchObject({
      userRecords: 5,
      types: { event: { lines: 5, rows: 2, rejected: 2, filtered: 1 } },
    });
  });

  test("of an agent are its lines, whatever these begin with", () => {
    const line = gzipSync("x").toString("latin1").replaceAll("\n", "");
    const lines = [Buffer.from(line, "latin1"), Buffer.from('{"id":1}{"id":2}'), Buffer.from("a\nb")];
    const routed = route(aggregate(lines.map((data) => ({ tag: "raw", data }))));
    expect(routed.commit).toMatchObject({
      userRecords: 3,
      types: { raw: { lines: 3, rows: 2, rejected: 1 } },
    });
    expect(texts(routed)).toEqual(['{"id":1}{"id":2}', "a\nb"]);
  });
});

describe("a record without compression", () => {
  test("has an event for each line, and none after the last line feed", () => {
    expect(texts(route("one\ntwo\n", "raw"))).toEqual(["one", "two"]);
    expect(texts(route("one\r\n\r\ntwo", "raw"))).toEqual(["one", "", "two"]);
    expect(texts(route("", "raw"))).toEqual([""]);
    expect(texts(route("\n", "raw"))).toEqual([""]);
  });

  test("may have JSON objects next to one another or over lines", () => {
    expect(ids(route('{"id":1}{"id":2} {"id":3}'))).toEqual([1, 2, 3]);
    const pretty = (id: number): string => JSON.stringify({ id, text: "a}\n{", more: { a: [{}] } }, null, 2);
    expect(ids(route(pretty(1)))).toEqual([1]);
    expect(ids(route(`${pretty(1)}\n${pretty(2)}{"id":3}\n`))).toEqual([1, 2, 3]);
  });

  test("has its lines even where braces stand wrong in some of them", () => {
    for (const wrong of ['{"id":2', '{"id":2}}', '"{', "{'id':2}}", '{"text":"}', "{}, {}", '{"id":2}\\']) {
      const routed = route(`{"id":1}\n${wrong}\n{"id":3}\n`);
      expect([wrong, ids(routed)]).toEqual([wrong, [1, 3]]);
      expect([wrong, rejectsOf(routed).map(({ data }) => data)]).toEqual([wrong, [wrong]]);
    }
  });

  test("gives back every byte but white space between events, of any content", () => {
    const bit = fc.constantFrom("{", "}", '"', "\\", "\n", " ", '{"a":1}', "[", "x", ":");
    fc.assert(
      fc.property(fc.array(bit, { maxLength: 24 }), (bits) => {
        const data = Buffer.from(bits.join(""));
        const events = splitEvents(data).map((event) => Buffer.from(event).toString());
        const dense = (text: string): string => text.replaceAll(/\s/g, "");
        expect(dense(events.join(""))).toBe(dense(data.toString()));
      }),
      { numRuns: 2_000 },
    );
  });

  test("is one event where the configuration says so", () => {
    const whole = new Router(configOf([EVENT, RAW], { foreign: { splitLines: false } }));
    const trace = "Error: no such thing\n    at one\n    at two\n";
    expect(texts(route(trace, "raw", whole))).toEqual([trace.trimEnd()]);
    expect(texts(route(gzipSync(kpl([trace], "raw")), "raw", whole))).toEqual([trace.trimEnd()]);
    expect(texts(route(trace, "raw"))).toHaveLength(3);
  });

  test("may begin like zlib and be text all the same", () => {
    expect(texts(route("x^2 + y^2\nx^3\n", "raw"))).toEqual(["x^2 + y^2", "x^3"]);
    expect(texts(route("x\u06b0", "raw"))).toEqual(["x\u06b0"]);
  });
});

describe("a record that cannot be opened", () => {
  const gzip = gzipSync(joined(3));
  const lz4 = Buffer.from("04224d1864", "hex");
  let layers = Buffer.from('{"id":1}');
  for (let i = 0; i < 9; i++) layers = gzipSync(layers);
  let aggregates = kpl(['{"id":1}']);
  for (let i = 0; i < 3; i++) aggregates = kpl([aggregates]);

  test.each([
    ["cut", gzip.subarray(0, -4), "BAD_COMPRESSION", /unexpected end/],
    [
      "damaged",
      Buffer.concat([gzip.subarray(0, 20), Buffer.from("x"), gzip.subarray(21)]),
      "BAD_COMPRESSION",
      /gzip/,
    ],
    ["with more behind the gzip", Buffer.concat([gzip, Buffer.from("more")]), "BAD_COMPRESSION", /gzip/],
    ["with zeros behind the gzip", Buffer.concat([gzip, Buffer.alloc(9)]), "BAD_COMPRESSION", /follows/],
    [
      "with more behind the zlib",
      Buffer.concat([deflateSync("x"), Buffer.from("more")]),
      "BAD_COMPRESSION",
      /follows/,
    ],
    [
      "with more behind the zstd",
      Buffer.concat([zstdCompressSync(gzip), Buffer.from("more")]),
      "BAD_COMPRESSION",
      /follows/,
    ],
    [
      "with the second frame cut",
      Buffer.concat([zstdCompressSync(gzip), zstdCompressSync(gzip).subarray(0, -2)]),
      "BAD_COMPRESSION",
      /zstd/,
    ],
    ["compressed again and again", layers, "TOO_DEEP", /compressed more than 3 times/],
    [
      "in a stream of snappy that is cut",
      snappyStream(joined(3)).subarray(0, -1),
      "BAD_COMPRESSION",
      /snappy/,
    ],
    [
      "in frames that snappy has not",
      Buffer.concat([SNAPPY_STREAM, Buffer.from("02000000", "hex")]),
      "BAD_COMPRESSION",
      /snappy/,
    ],
    ["gzip about LZ4", gzipSync(lz4), "UNSUPPORTED_COMPRESSION", /lz4/],
    ["of LZ4", lz4, "UNSUPPORTED_COMPRESSION", /lz4/],
    ["larger than the limit", gzipSync(Buffer.alloc(65 * 2 ** 20)), "INFLATED_TOO_LARGE", /unpacks to more/],
    [
      "larger over its layers",
      gzipSync(gzipSync(Buffer.alloc(64 * 2 ** 20 + 1))),
      "INFLATED_TOO_LARGE",
      /unpacks to more/,
    ],
    [
      "larger over its frames",
      Buffer.concat([gzipSync(Buffer.alloc(40 * 2 ** 20)), gzipSync(Buffer.alloc(40 * 2 ** 20))]),
      "INFLATED_TOO_LARGE",
      /unpacks to more/,
    ],
    [
      "of a few bytes for many",
      gzipSync(Buffer.alloc(600_000, "\n")),
      "INFLATED_TOO_LARGE",
      /unpacks to more/,
    ],
    ["of more lines than can be", Buffer.alloc(600_000, "\n"), "TOO_MANY_PARTS", /events/],
    ["of more objects than can be", Buffer.alloc(1_200_000, "{}"), "TOO_MANY_PARTS", /events/],
    [
      "of more frames than can be",
      Buffer.concat(Array<Buffer>(2_000).fill(zstdCompressSync(Buffer.alloc(0)))),
      "BAD_COMPRESSION",
      /frames/,
    ],
  ])("(%s) is in quarantine with its reason, and those beside it are rows", (_what, data, code, message) => {
    const good = [
      streamRecord(Buffer.from('{"id":1}'), 1, "event"),
      streamRecord(Buffer.from('{"id":3}'), 3, "event"),
    ];
    const routed = router.route([good[0]!, streamRecord(data, 2, "event"), good[1]!]);
    expect(ids(routed)).toEqual([1, 3]);
    expect(routed.quarantined).toMatchObject([{ error: { code, message: expect.stringMatching(message) } }]);
    expect(routed.commit).toMatchObject({
      records: 3,
      userRecords: 2,
      types: { event: { lines: 2 } },
    });
    expect(routed.commit.objects.filter(({ kind }) => kind === "quarantine")).toHaveLength(1);
  });

  test("as a user record is rejected as it came, with the reason, and those beside it are rows", () => {
    const packed = gzip.subarray(0, -4);
    const bad = kpl(['{"id":2}']).fill(0, 8, 12);
    const routed = route(kpl(['{"id":1}', packed, lz4, bad, aggregates, '{"id":3}']));
    expect(ids(routed)).toEqual([1, 3]);
    expect(routed.quarantined).toEqual([]);
    expect(rejectsOf(routed).map(({ _off, detail }) => [_off, detail])).toEqual([
      [1, expect.stringContaining("unexpected end of file")],
      [2, expect.stringContaining("lz4")],
      [3, expect.stringContaining("MD5")],
      [4, expect.stringContaining("aggregated more than 3 times")],
    ]);
    const kept = rejectsOf(routed).map(({ data, encoding }) => Buffer.from(data, encoding));
    expect(kept.slice(0, 3)).toEqual([packed, lz4, bad]);
    // The innermost aggregate that was not opened is what is rejected.
    expect(aggregates.includes(kept[3]!)).toBe(true);
    expect(routed.commit).toMatchObject({
      userRecords: 6,
      types: { event: { lines: 6, rejected: 4 } },
    });
  });

  test("costs no more for each of its user records: all share what may be unpacked", () => {
    const large = zstdCompressSync(Buffer.alloc(65 * 2 ** 20));
    const cut = zstdCompressSync(Buffer.alloc(60 * 2 ** 20)).subarray(0, -1);
    const began = process.cpuUsage();
    for (const part of [large, cut]) {
      const routed = route(kpl([...Array<Buffer>(2_000).fill(part), '{"id":1}']));
      expect(ids(routed)).toEqual([1]);
      expect(routed.commit.types["event"]).toMatchObject({ lines: 2_001, rows: 1, rejected: 2_000 });
    }
    const { user, system } = process.cpuUsage(began);
    // Unpacked each by itself they would be 250 GB.
    expect((user + system) / 1e6).toBeLessThan(30);
  });
});

describe("the tag in a field", () => {
  const rest = { ...RAW, name: "rest", match: { tags: ["*"] } };
  const field = { foreign: { tag: { field: "meta.tag" } } } as const;
  const types = [{ ...EVENT, match: { tags: ["event", "event.*"] } }];
  const byField = new Router(configOf(types, field));
  const withRest = new Router(configOf([...types, rest], field));

  test("decides, and the partition key does not", () => {
    expect(ids(route('{"id":1,"meta":{"tag":"event.a"}}', "9f86d081", byField))).toEqual([1]);
    const other = route('{"id":1,"meta":{"tag":"other"}}', "event", byField);
    expect(rejectsOf(other)).toMatchObject([{ reason: "unrouted", tag: "other" }]);
  });

  test.each([
    ["there is none", '{"id":1}'],
    ["it is no text", '{"id":1,"meta":{"tag":5}}'],
    ["it is null", '{"id":1,"meta":{"tag":null}}'],
    ["it is an object", '{"id":1,"meta":{"tag":{"a":"event"}}}'],
    ["it is empty", '{"id":1,"meta":{"tag":""}}'],
    ["what it would stand in is a text", '{"id":1,"meta":"event.b"}'],
  ])("gives way to the partition key, and then to a type of all tags, where %s", (_when, line) => {
    expect(ids(route(line, "event", byField))).toEqual([1]);
    expect(ids(route(line, "event", withRest))).toEqual([1]);
    const unrouted = route(line, "584055.411880713", byField);
    expect(rejectsOf(unrouted)).toMatchObject([{ reason: "unrouted", tag: "584055.411880713", data: line }]);
    expect(rowsOf(route(line, "584055.411880713", withRest), "rest")).toMatchObject([{ line }]);
  });

  test.each(["plain text", "[1]", '"event"', '{"id":', "caf\xe9"])(
    "gives way as well where the record is no JSON object: %s",
    (line) => {
      const data = Buffer.from(line, "latin1");
      expect(route(data, "event", byField).commit.types).toMatchObject({ event: { lines: 1, rejected: 1 } });
      expect(Object.keys(route(data, "random", withRest).commit.types)).toEqual(["rest"]);
      expect(rejectsOf(route(data, "random", byField))).toMatchObject([{ type: "_unrouted", tag: "random" }]);
    },
  );

  test("is found in each line by itself", () => {
    const lines = ['{"id":1,"meta":{"tag":"event.a"}}', "text", '{"id":2,"meta":{"tag":"event.b"}}'];
    const routed = route(lines.join("\n"), "random", withRest);
    expect(ids(routed)).toEqual([1, 2]);
    expect(rowsOf(routed, "rest")).toMatchObject([{ line: "text", _off: 1 }]);
  });
});

describe("a subscription of CloudWatch Logs", () => {
  const message = (messageType: string, logEvents: object[]) =>
    gzipSync(
      JSON.stringify({
        messageType,
        owner: "123456789012",
        logGroup: "/aws/lambda/photo",
        logStream: "2026/11/21/[$LATEST]abc",
        subscriptionFilters: ["all"],
        logEvents,
      }),
    );
  const LAMBDA: WeirConfigInput["types"][number] = {
    name: "lambda",
    match: { tags: ["/aws/lambda/*"] },
    parse: { format: "any", from: "message", of: [{ format: "json" }, { format: "raw" }] },
    time: { field: "timestamp", format: "epoch-millis" },
    columns: [
      { name: "stream", field: "logStream", type: "varchar(512)" },
      { name: "level", type: "varchar(9)" },
      { name: "line", type: "varchar(999)" },
    ],
  };
  const by = new Router(configOf([LAMBDA]));

  test("is unpacked into its events, which go by the log group, whatever the record's key", () => {
    const events = [
      { id: "1", timestamp: 1_795_255_200_123, message: '{"level":"INFO","n":1}' },
      { id: "2", timestamp: 1_795_255_201_000, message: "START RequestId: x\n" },
    ];
    const routed = route(message("DATA_MESSAGE", events), "584055.411", by);
    expect(rejectsOf(routed)).toEqual([]);
    expect(rowsOf(routed)).toMatchObject([
      {
        _time: "2026-11-21 10:00:00.123",
        _off: 0,
        level: "INFO",
        stream: "2026/11/21/[$LATEST]abc",
        _extra: { id: "1", n: 1, logGroup: "/aws/lambda/photo", owner: "123456789012" },
      },
      { _time: "2026-11-21 10:00:01.000", _off: 1, line: "START RequestId: x" },
    ]);
  });

  test("that only tries whether it may put counts as filtered", () => {
    const routed = route(
      message("CONTROL_MESSAGE", [{ id: "", timestamp: 1, message: "CWL CONTROL MESSAGE" }]),
      "x",
      by,
    );
    expect(routed.commit.types).toEqual({
      _unrouted: expect.objectContaining({ lines: 1, filtered: 1, rows: 0, rejected: 0 }),
    });
    expect(routed.objects).toEqual([]);
  });

  test.each(['{"messageType":"DATA_MESSAGE"}', '{"messageType":', '{"messageType":"OTHER","owner":"1"}'])(
    "is not what %s is",
    (text) => {
      expect(rejectsOf(route(text, "x", by)).map(({ data }) => data)).toEqual([text]);
    },
  );
});

test("copies of snappy repeat what was unpacked, and a block that unpacks to more than it may is known before", () => {
  // A literal of 11 bytes, and a copy of 20 from 10 before: "0123456789\u00ff" and on.
  const block = Buffer.concat([
    Buffer.from([31, 10 << 2]),
    Buffer.from("0123456789\xff", "latin1"),
    Buffer.from([(19 << 2) | 2, 10, 0]),
  ]);
  expect((unpackSnappyBlock(block) as Buffer).toString("latin1")).toBe(
    "0123456789\xff123456789\xff123456789\xff",
  );
  expect(unpackSnappyBlock(block, 30)).toBe("too-large");
  for (let end = 0; end < block.length; end++)
    expect(unpackSnappyBlock(block.subarray(0, end))).toBeUndefined();
  fc.assert(fc.property(fc.uint8Array({ maxLength: 40 }), (data) => void unpackSnappyBlock(data)));
});
