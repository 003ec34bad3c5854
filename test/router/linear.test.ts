import { randomBytes } from "node:crypto";
import { zstdCompressSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { Router } from "../../lambdas/router/router.ts";
import type { StreamRecord } from "../../lambdas/router/stream-record.ts";
import { costsBeyond } from "../linear-time.ts";
import { aggregate, configOf, rejectsOf, rowsOf, RAW, streamRecord } from "./batch-fixture.ts";
import { fuzz, VALUES } from "./linear-fuzz.ts";

const KINDS = [
  "integer",
  "bigint",
  "decimal(12,2)",
  "double precision",
  "real",
  "super",
  "varchar(65535)",
  "timestamp",
];

const JSON_LINES: Readonly<Record<string, (length: number) => string>> = {
  "zeros after the point": (length) => `{"c":0.${"0".repeat(length)}1}`,
  "digits before it": (length) => `{"c":${"9".repeat(length)}}`,
  "zeros in a text": (length) => `{"c":"1.${"0".repeat(length)}x"}`,
  "arrays in one another": (length) => `{"c":${"[".repeat(length / 2)}1e400${"]".repeat(length / 2)}}`,
  "objects in one another": (length) => `${'{"c":'.repeat(length / 6)}1${"}".repeat(length / 6)}`,
  "a name again and again": (length) => `{${'"c":1e5,'.repeat(length / 8)}"c":1}`,
  "names that are numbers": (length) =>
    `{${Array.from({ length: length / 10 }, (_, i) => `"${length - i}":1,`).join("")}"c":1}`,
  "numbers of many digits": (length) => `{"c":[${"1234567890123456,".repeat(length / 17)}1]}`,
  backslashes: (length) => `{"c":"${"\\\\".repeat(length / 2)}\\u0001"}`,
};

/** Allows eight times the length three times its share: quadratic time would be 64 times as much. */
const BOUND = { growth: 24, noiseMs: 40 };

/** Compares records made of so many characters with those of eight times as many. */
function expectLinear(router: Router, length: number, make: (length: number) => StreamRecord): void {
  const routing = (chars: number) => {
    const record = make(chars);
    return () => router.route([record]);
  };
  expect(costsBeyond(BOUND, routing(length), routing(8 * length))).toBeUndefined();
}

const lineRecord = (data: string): StreamRecord => streamRecord(aggregate([{ tag: "t", data }]));

describe("a line takes no more than linear time", () => {
  test.each(Object.entries(JSON_LINES))("%s", (_, line) => {
    for (const type of KINDS) {
      const router = new Router(
        configOf([{ name: "t", parse: { format: "json" }, columns: [{ name: "c", type }] }]),
      );
      expectLinear(router, 40_000, (length) => lineRecord(line(length)));
    }
  });

  test.each(VALUES)("worked out for it, nor does %s", (value) => {
    const columns = [{ name: "c", type: "super", value }];
    const settings = { tables: { t: { entries: { x: "y" } } }, hashSalt: "0".repeat(16) };
    const router = new Router(configOf([{ name: "t", parse: { format: "json" }, columns }], settings));
    const texts = ["x.", "xy", "%41&", "aab?"];
    const lines = texts.map((text) => (length: number) => {
      const many = text.repeat(length / 4 / text.length);
      const items = JSON.stringify(many.slice(0, length / 8).split(""));
      return `{"a":"${many}","b":{"c":"${many}b"},"x":${items}}`;
    });
    for (const line of lines) {
      expectLinear(router, 20_000, (length) => lineRecord(line(length)));
    }
  });

  test("nor does any that the fuzzer makes in a while", () => {
    const end = Date.now() + 4_000;
    expect(
      fuzz(
        Date.now(),
        () => Date.now() >= end,
        () => {},
      ),
    ).toEqual([]);
  });

  test("a tag is compared with a pattern of many stars from left to right once", () => {
    const router = new Router(configOf([{ ...RAW, match: { tags: ["a*a*a*a*a*a*b", "x*", "*z", "m*m"] } }]));
    const types = (tags: string[]) =>
      Object.keys(
        router.route([streamRecord(aggregate(tags.map((tag) => ({ tag, data: "l" }))))]).commit.types,
      );
    expect(types(["aaaaaab", "a1a1aaaab", "x", "z", "yz", "mm", "mxm"])).toEqual(["raw"]);
    expect(types(["aaaaab", "m", "zy", "a".repeat(255), "aaaaaabc"])).toEqual(["_unrouted"]);
    const foreign = new Router(
      configOf([{ ...RAW, match: { tags: ["a*a*a*a*a*a*b"] } }], { foreign: { tag: { field: "tag" } } }),
    );
    expectLinear(foreign, 100_000, (length) => streamRecord(Buffer.from(`{"tag":"${"a".repeat(length)}"}`)));
  });
});

const JSON_ROUTER = new Router(
  configOf([{ name: "t", parse: { format: "json" }, columns: [{ name: "c", type: "super" }] }]),
);

test("whatever depth JSON has, its line becomes a row or is rejected", () => {
  for (const name of ["c", "x"]) {
    for (const depth of [
      10, 900, 990, 999, 1_001, 1_100, 2_000, 3_000, 5_000, 7_000, 9_000, 20_000, 200_000,
    ]) {
      const data = `{"${name}":${"[".repeat(depth)}1e100${"]".repeat(depth)}}`;
      const { rows, rejected } = JSON_ROUTER.route([streamRecord(aggregate([{ tag: "t", data }]))]).commit
        .types["t"]!;
      expect([rows, rejected]).toEqual(depth < 1_000 ? [1, 0] : [0, 1]);
    }
  }
});

test("a line that is longer than the largest record is rejected, with its bytes", () => {
  // A frame may unpack to a hundred times its size, and spaces would to more.
  const data = `{"c":"${randomBytes(5 * 2 ** 20).toString("hex")}"}`;
  const routed = JSON_ROUTER.route([streamRecord(zstdCompressSync(aggregate([{ tag: "t", data }])))]);
  const [reject] = rejectsOf(routed);
  expect([reject?.reason, reject?.detail]).toEqual(["too-large", `a line of ${data.length} bytes`]);
  expect(reject?.data === data).toBe(true);
});

test("a delimited line of millions of values is rejected as one of too many", () => {
  const columns = [{ name: "a", type: "integer" }];
  const types = (["csv", "tsv"] as const).map((format) => {
    return { name: format, parse: { format, fields: ["a", "b"] }, columns };
  });
  const router = new Router(configOf(types));
  for (const [tag, data] of [
    ["csv", ",".repeat(4_000_000)],
    ["csv", '"",'.repeat(1_000_000)],
    ["tsv", "\t".repeat(4_000_000)],
  ] as const) {
    const routed = router.route([streamRecord(aggregate([{ tag, data }]))]);
    expect(rejectsOf(routed)).toMatchObject([{ reason: "unparsed", detail: "more values for 2 fields" }]);
  }
});

test("as many hours as lines make one object in the hour of arrival", () => {
  const router = new Router(
    configOf([
      {
        name: "t",
        parse: { format: "json" },
        time: { field: "t", format: "epoch-seconds" },
        columns: [{ name: "c", type: "integer" }],
      },
    ]),
  );
  const lines = Array.from({ length: 130_000 }, (_, i) => ({ tag: "t", data: `{"t":${i * 3_600},"c":1}` }));
  const routed = router.route([streamRecord(aggregate(lines))]);
  expect(routed.commit.objects).toMatchObject([{ kind: "data", rows: lines.length }]);
  expect(rowsOf(routed)).toHaveLength(lines.length);
});

test("a long partition key within an aggregate is corrupt: each of its lines would tell it again", () => {
  const routed = JSON_ROUTER.route([streamRecord(aggregate([{ tag: "t".repeat(10_000), data: "x" }]))]);
  expect(routed.quarantined).toMatchObject([{ error: { code: "MALFORMED" } }]);
});

test("a pattern that may backtrack is asked of short lines alone", () => {
  const parse = { format: "regex", pattern: "^(?<a>a(?=b).*)$", backtracking: true } as const;
  const router = new Router(
    configOf([{ name: "t", parse, columns: [{ name: "a", type: "varchar(65535)" }] }]),
  );
  const lines = ["abc", `ab${"c".repeat(5_000)}`].map((data) => ({ tag: "t", data }));
  const routed = router.route([streamRecord(aggregate(lines))]);
  expect(rowsOf(routed)).toMatchObject([{ a: "abc" }]);
  expect(rejectsOf(routed)).toMatchObject([
    { reason: "unparsed", detail: expect.stringContaining("4096 characters") as unknown },
  ]);
  expect(() =>
    configOf([{ name: "t", parse: { ...parse, backtracking: false }, columns: RAW.columns }]),
  ).toThrow(
    'types[0].parse.pattern: a lookahead, "(?=b)" at character 8, cannot be matched in linear time; backtracking: true',
  );
});
