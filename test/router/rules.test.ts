import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Router } from "../../lambdas/router/router.ts";
import { commitSchema } from "../../wire/commit.ts";
import type { WeirConfigInput } from "../../wire/config.ts";
import { aggregate, configOf, type Line, rejectsOf, RAW, rowsOf, streamRecord } from "./batch-fixture.ts";
import { reparse, unfiledOf } from "./reparse-fixture.ts";

type TypeInput = WeirConfigInput["types"][number];

const JSON_TYPE = { parse: { format: "json" } } as const;
const ACCESS: TypeInput = {
  name: "access",
  ...JSON_TYPE,
  time: { field: "t", format: "epoch-seconds" },
  drop: "path == '/health' && !(status >= 500)",
  copy: [{ to: "raw" }, { to: "errors", when: "status >= 500" }],
  columns: [
    { name: "path", type: "varchar(40)", nullable: false },
    { name: "status", type: "smallint" },
  ],
};
const ERRORS: TypeInput = {
  name: "errors",
  ...JSON_TYPE,
  columns: [
    { name: "path", type: "varchar(6)" },
    { name: "tag", value: "_tag", type: "varchar(40)" },
  ],
};
const ROUTER = new Router(configOf([ACCESS, ERRORS, RAW]));

const line = (fields: object, more: Partial<Line> = {}): Line => ({
  tag: "access",
  data: JSON.stringify({ t: 1_795_255_200, ...fields }),
  ...more,
});

function routed(lines: readonly Line[]) {
  return ROUTER.route([streamRecord(aggregate(lines))]);
}

test("a line that is dropped becomes no row, is counted as filtered, and is copied all the same", () => {
  const found = routed([
    line({ path: "/health", status: 200 }),
    line({ path: "/health", status: 503 }),
    line({ path: "/health" }),
    line({ status: 200 }),
  ]);
  expect(found.commit).toMatchObject({
    userRecords: 4,
    types: {
      access: { lines: 4, rows: 2, filtered: 1, rejected: 1 },
      errors: { lines: 1, rejected: 1 },
      raw: { lines: 4, rows: 4 },
    },
  });
  // What cannot be worked out drops nothing.
  expect(rowsOf(found, "access").map(({ path, status }) => [path, status])).toEqual([
    ["/health", 503],
    ["/health", undefined],
  ]);
});

test("a copy is read, filed and rejected as its own type says, under the line's own place and tag", () => {
  const found = routed([line({ path: "/a", status: 500 }), line({ path: "/longer", status: 500 })]);
  const [, second] = rowsOf(found, "access");
  expect(rowsOf(found, "errors")).toMatchObject([{ path: "/a", tag: "access", _off: 0 }]);
  expect(rejectsOf(found, "errors")).toMatchObject([
    {
      type: "errors",
      tag: "access",
      copyOf: "access",
      reason: "length",
      _off: second!._off,
      _crc: second!._crc,
    },
  ]);
  expect(found.commit.sources).toMatchObject([{ types: ["access", "errors", "raw"], conflicts: 0 }]);
});

test("a rejected line names the types that have it already, so that it is not copied twice", () => {
  const found = routed([
    line({ status: 500 }),
    { tag: "access", data: "no JSON" },
    line({ path: 1, t: "x" }),
  ]);
  expect(rejectsOf(found, "access").map(({ reason, copied }) => [reason, copied])).toEqual([
    ["missing", ["raw", "errors"]],
    ["unparsed", ["raw"]],
    ["time", ["raw"]],
  ]);
  expect(rejectsOf(found, "raw")).toEqual([]);
  expect(rowsOf(found, "raw")).toHaveLength(3);
});

test("copies are not copied on, in a circle or otherwise", () => {
  const a = { ...RAW, name: "a", copy: [{ to: "b" }] };
  const b = { ...RAW, name: "b", copy: [{ to: "a" }, { to: "raw" }] };
  const found = new Router(configOf([a, b, RAW])).route([streamRecord(aggregate([{ tag: "a", data: "x" }]))]);
  expect(Object.keys(found.commit.types)).toEqual(["a", "b"]);
});

test("gaps are counted under the line's own type alone", () => {
  const gap = { from: 0, reason: "filtered", lines: 2 } as const;
  const found = routed([line({ path: "/a", status: 500 }, { offset: 30, gap })]);
  expect(found.commit.types).toMatchObject({
    access: { lines: 3, rows: 1, filtered: 2 },
    errors: { lines: 1, rows: 1, filtered: 0 },
    raw: { lines: 1, rows: 1, filtered: 0 },
  });
});

test("a line that comes again is left out of its type, and not copied again", () => {
  const record = aggregate([line({ path: "/a", status: 500 })]);
  const found = ROUTER.route([streamRecord(record, 1), streamRecord(record, 2)]);
  expect(found.commit).toMatchObject({
    userRecords: 2,
    types: {
      access: { lines: 2, rows: 1, duplicates: 1 },
      errors: { lines: 1, rows: 1, duplicates: 0 },
      raw: { lines: 1, rows: 1, duplicates: 0 },
    },
  });
  expect(found.commit.sources).toMatchObject([{ conflicts: 0 }]);
});

test("a line that comes as a copy and under its own tag is a duplicate", () => {
  const data = "x";
  const a = { ...RAW, name: "a", copy: [{ to: "raw" }] };
  const router = new Router(configOf([a, RAW]));
  const found = router.route([
    streamRecord(aggregate([{ tag: "a", data }]), 1),
    streamRecord(aggregate([{ tag: "raw", data }]), 2),
  ]);
  expect(found.commit.types).toMatchObject({
    a: { lines: 1, rows: 1 },
    raw: { lines: 2, rows: 1, duplicates: 1 },
  });
});

test("lines of other producers are copied too", () => {
  const found = ROUTER.route([streamRecord(Buffer.from('{"path":"/a","status":500}'), 1, "access")]);
  expect(found.commit.types).toMatchObject({
    access: { lines: 1, rejected: 1 },
    errors: { lines: 1, rows: 1, foreignRows: 1 },
    raw: { lines: 1, rows: 1, foreignRows: 1 },
  });
});

test("events that are empty, and records that could not be opened, are not copied", () => {
  const a = { ...RAW, name: "a", copy: [{ to: "raw" }] };
  const found = new Router(configOf([a, RAW])).route([streamRecord(Buffer.from("x\n\ny"), 1, "a")]);
  expect(found.commit.types).toMatchObject({ a: { lines: 3, rows: 3 }, raw: { rows: 3 } });
});

describe("whatever comes", () => {
  const status = fc.constantFrom(undefined, 200, 404, 500, null);
  const path = fc.constantFrom(undefined, "/health", "/a", "/longer/than/six");
  const lines = fc.array(
    fc.oneof(
      fc.record({ path, status }).map((fields) => line(fields)),
      fc.constant<Line>({ tag: "access", data: "no JSON" }),
      fc.constant<Line>({ tag: "raw", data: "x" }),
      fc.constant<Line>({ tag: "errors", data: '{"path":"/a"}' }),
    ),
    { minLength: 1, maxLength: 20 },
  );

  test("every type balances, and lines but for copies are the events", () => {
    fc.assert(
      fc.property(fc.array(lines, { minLength: 1, maxLength: 3 }), fc.boolean(), (records, twice) => {
        const all = (twice ? [...records, ...records] : records).map((record, i) =>
          streamRecord(aggregate(record), i),
        );
        const found = ROUTER.route(all);
        const commit = commitSchema.parse(found.commit);
        for (const [type, { lines, rows, rejected, filtered, duplicates }] of Object.entries(commit.types)) {
          expect(lines).toBe(rows + rejected + filtered + duplicates);
          expect(rowsOf(found, type)).toHaveLength(rows);
          expect(rejectsOf(found, type)).toHaveLength(rejected);
        }
        const { access, errors, raw } = commit.types;
        const events = records.flat().length * (twice ? 2 : 1);
        expect(commit.userRecords).toBe(events);
        const tagged = (tag: string) =>
          records.flat().filter((line) => line.tag === tag).length * (twice ? 2 : 1);
        expect(access?.lines ?? 0).toBe(tagged("access"));
        expect(raw?.lines ?? 0).toBe(tagged("raw") + (access ? access.lines - access.duplicates : 0));
        const failed = rowsOf(found, "access").filter(({ status }) => status === 500).length;
        expect((errors?.lines ?? 0) - tagged("errors")).toBeGreaterThanOrEqual(failed);
      }),
      { numRuns: 60 },
    );
  });
});

test("fields that are removed are kept nowhere, those that expressions read are kept in _extra", () => {
  const type: TypeInput = {
    name: "t",
    ...JSON_TYPE,
    remove: ["user.mail", "token"],
    columns: [
      { name: "mail", type: "varchar(99)", value: "maskEmail(user.mail)" },
      { name: "short", type: "varchar(9)", value: "id.substring(0, 2)" },
    ],
  };
  const data = '{"user":{"mail":"a@b.example","name":"A"},"id":"abc","token":"s"}';
  const found = new Router(configOf([type])).route([streamRecord(aggregate([{ tag: "t", data }]))]);
  expect(rowsOf(found)).toMatchObject([
    { mail: "***@b.example", short: "ab", _extra: { user: { name: "A" }, id: "abc" } },
  ]);
  expect(JSON.stringify(rowsOf(found))).not.toContain("a@b");
});

test("classes are as Fluentd's, with the field kept, and defaults are written where there is no value", () => {
  const type: TypeInput = {
    name: "t",
    ...JSON_TYPE,
    nulls: ["-"],
    columns: [
      {
        name: "speed",
        field: "took",
        type: "varchar(9)",
        classes: { slow: [0.5, "*"], fast: ["*", 0.1], usual: [0.1, 0.5] },
      },
      { name: "load", value: "a / b", type: "varchar(9)", classes: { low: [0, 1] }, default: "?" },
      { name: "user", type: "varchar(9)", default: "nobody" },
      { name: "at", type: "timestamp", value: "_arrived_at", nullable: false },
      { name: "since", type: "date", field: "nothing", default: "2026-01-01" },
    ],
  };
  const lines = [
    { took: 0.05, a: 1, b: 2, user: "A" },
    { took: "0.1", a: 2, b: 1, user: "-" },
    { took: 0.5, a: 1, b: 0, user: null },
    { took: "x" },
  ];
  const found = new Router(configOf([type])).route([
    streamRecord(aggregate(lines.map((fields) => ({ tag: "t", data: JSON.stringify(fields) })))),
  ]);
  expect(rowsOf(found).map(({ speed, load, user }) => [speed, load, user])).toEqual([
    ["fast", "low", "A"],
    ["usual", "?", "nobody"],
    ["slow", "?", "nobody"],
    [undefined, "?", "nobody"],
  ]);
  expect(rowsOf(found)[0]).toMatchObject({
    at: "2026-11-21 10:00:00.250",
    since: "2026-01-01",
    _extra: { took: 0.05 },
  });
});

test("a column that must not be null says why its expression has no value", () => {
  const columns: TypeInput["columns"] = [
    { name: "c", type: "double precision", value: "a / b", nullable: false },
  ];
  const found = new Router(configOf([{ name: "t", ...JSON_TYPE, columns }])).route([
    streamRecord(
      aggregate(['{"a":1,"b":0}', '{"a":"x","b":1}', '{"a":1,"b":2}'].map((data) => ({ tag: "t", data }))),
    ),
  ]);
  expect(rowsOf(found)).toMatchObject([{ c: 0.5 }]);
  expect(rejectsOf(found)).toMatchObject([
    { reason: "missing", field: "c", detail: "must not be null: divided by zero, or beyond any number" },
    {
      reason: "missing",
      field: "c",
      detail: "must not be null: / at character 3 has no meaning for the values",
    },
  ]);
});

test("a value that does not fit its column is dealt with as a field's", () => {
  const columns: TypeInput["columns"] = [
    { name: "c", type: "varchar(2)", value: "a + a", onMisfit: "truncate" },
    { name: "d", type: "smallint", value: "b" },
  ];
  const found = new Router(configOf([{ name: "t", ...JSON_TYPE, columns }])).route([
    streamRecord(aggregate(['{"a":"xy","b":1}', '{"b":70000}'].map((data) => ({ tag: "t", data })))),
  ]);
  expect(rowsOf(found)).toMatchObject([{ c: "xy", d: 1 }]);
  expect(rejectsOf(found)).toMatchObject([{ reason: "range", field: "d" }]);
});

describe("lines that were rejected and are filed anew", () => {
  const mended = configOf(
    [
      { ...ACCESS, columns: [{ name: "path", type: "varchar(40)" }], copy: [...ACCESS.copy!, { to: "all" }] },
      {
        ...ERRORS,
        name: "failures",
        formerNames: ["errors"],
        columns: [{ name: "path", type: "varchar(40)" }],
      },
      { ...RAW, name: "all" },
      RAW,
    ].map((type) => ({
      ...type,
      copy: type.copy?.map((copy) => ({ ...copy, to: copy.to === "errors" ? "failures" : copy.to })),
    })) as TypeInput[],
  );

  test("are copied to the types that have not had them, and copies go to their own type alone", async () => {
    const before = routed([line({ status: 500 }), line({ path: "/longer", status: 500 })]);
    const counts = [];
    for (const [key, body] of unfiledOf(before)) {
      const { batch } = await reparse(mended, key, body);
      counts.push(batch!.commit.types);
      expect(batch!.commit.sources).toMatchObject([
        {
          conflicts: 0,
          types: Object.keys(batch!.commit.types).filter((type) => batch!.commit.types[type]!.lines > 0),
        },
      ]);
    }
    expect(counts).toMatchObject([
      { access: { lines: 1, rows: 1, reparsed: 1 }, all: { lines: 1, rows: 1, reparsed: 0 } },
      { errors: { lines: 0, reparsed: 1 }, failures: { lines: 1, rows: 1, reparsed: 0 } },
    ]);
    expect(Object.keys(counts[0]!)).toEqual(["access", "all"]);
    expect(Object.keys(counts[1]!)).toEqual(["errors", "failures"]);
  });
});
