import { deflateSync, gzipSync, zstdCompressSync } from "node:zlib";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Router, type RoutedBatch } from "../../lambdas/router/router.ts";
import { splitEvents } from "../../lambdas/router/split-events.ts";
import { AggregateBuilder } from "../../wire/aggregate.ts";
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
};
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
    for (const name of compressions) {
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
  const snappyFrame = Buffer.from("ff060000734e61507059", "hex");
  // A literal of 11 bytes, and a copy of 20 from 10 before: "0123456789\u00ff" and on.
  const snappyBlock = Buffer.concat([
    Buffer.from([31, 10 << 2]),
    Buffer.from("0123456789\xff", "latin1"),
    Buffer.from([(19 << 2) | 2, 10, 0]),
  ]);
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
    ["in frames Snappy has", snappyFrame, "UNSUPPORTED_COMPRESSION", /snappy/],
    ["in a block of Snappy's", snappyBlock, "UNSUPPORTED_COMPRESSION", /snappy/],
    ["gzip about snappy", gzipSync(snappyFrame), "UNSUPPORTED_COMPRESSION", /snappy/],
    ["of LZ4", Buffer.from("04224d1864", "hex"), "UNSUPPORTED_COMPRESSION", /lz4/],
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
    const routed = route(kpl(['{"id":1}', packed, snappyFrame, bad, aggregates, '{"id":3}']));
    expect(ids(routed)).toEqual([1, 3]);
    expect(routed.quarantined).toEqual([]);
    expect(rejectsOf(routed).map(({ _off, detail }) => [_off, detail])).toEqual([
      [1, expect.stringContaining("unexpected end of file")],
      [2, expect.stringContaining("snappy")],
      [3, expect.stringContaining("MD5")],
      [4, expect.stringContaining("aggregated more than 3 times")],
    ]);
    const kept = rejectsOf(routed).map(({ data, encoding }) => Buffer.from(data, encoding));
    expect(kept.slice(0, 3)).toEqual([packed, snappyFrame, bad]);
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
