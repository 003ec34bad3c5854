import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Router } from "../../lambdas/router/router.ts";
import type { WeirConfigInput } from "../../wire/config.ts";
import { aggregate, configOf, rejectsOf, rowsOf, streamRecord } from "./batch-fixture.ts";

type TypeInput = WeirConfigInput["types"][number];

const typeOf = (columns: TypeInput["columns"], rest: Partial<TypeInput> = {}): TypeInput => ({
  name: "t",
  parse: { format: "json" },
  columns,
  ...rest,
});
const route = (type: TypeInput, ...lines: (object | string)[]) =>
  new Router(configOf([type])).route([
    streamRecord(
      aggregate(
        lines.map((line) => ({ tag: "t", data: typeof line === "string" ? line : JSON.stringify(line) })),
      ),
    ),
  ]);
/** The type's own part of the rows. */
const own = (type: TypeInput, ...lines: (object | string)[]) =>
  rowsOf(route(type, ...lines)).map(({ _time, _src, _off, _crc, _host, _arrived_at, ...columns }) => columns);

describe("texts that are no value", () => {
  const type = typeOf(
    [
      { name: "n", type: "integer" },
      { name: "s", type: "varchar(8)" },
      { name: "own", type: "varchar(8)", nulls: [""] },
      { name: "must", type: "integer", nullable: false },
    ],
    { nulls: ["-", "N/A", String.raw`\N`] },
  );

  test("leave their column empty, the column's own in the place of the type's", () => {
    expect(
      own(
        type,
        { n: "-", s: "N/A", own: "-", must: 1 },
        { n: String.raw`\N`, s: "", own: "", must: 1 },
        { n: 5, s: "--", own: "x", must: 1, other: "-" },
      ),
    ).toEqual([
      { own: "-", must: 1 },
      { s: "", must: 1 },
      { n: 5, s: "--", own: "x", must: 1, _extra: { other: "-" } },
    ]);
    expect(rejectsOf(route(type, { must: "-" }))).toMatchObject([{ reason: "missing", field: "must" }]);
  });

  test("are no event time either", () => {
    const timed = { ...type, time: { field: "t", format: "iso8601" } };
    expect(rejectsOf(route(timed, { t: "-", must: 1 }))).toMatchObject([
      { reason: "time", detail: "no event time" },
    ]);
  });
});

describe("a value that does not fit", () => {
  test("is cut to whole characters where its column says so", () => {
    const type = typeOf([
      { name: "v", type: "varchar(8)", onMisfit: "truncate" },
      { name: "c", type: "char(2)", onMisfit: "truncate" },
    ]);
    expect(own(type, { v: "123456789", c: "abc" }, { v: "1234567é", c: "ab" }, { v: "äöü€" })).toEqual([
      { v: "12345678", c: "ab" },
      { v: "1234567", c: "ab" },
      { v: "äöü" },
    ]);
    fc.assert(
      fc.property(fc.string({ unit: "grapheme", maxLength: 12 }), (text) => {
        const [row] = own(type, { v: text });
        const kept = (row as { v?: string } | undefined)?.v ?? "";
        // NUL and the like have no column; everything else is the text's begin.
        if (row) expect(text.startsWith(kept)).toBe(true);
        expect(Buffer.byteLength(kept)).toBeLessThanOrEqual(8);
      }),
    );
    // Only its length is forgiven.
    expect(rejectsOf(route(type, { v: ["x"] }))).toMatchObject([{ reason: "type", field: "v" }]);
  });

  test("goes to _extra where its column says so, whole and with its name", () => {
    const type = typeOf([
      { name: "n", type: "smallint", onMisfit: "extra" },
      { name: "at", type: "timestamp", onMisfit: "extra" },
      { name: "deep", field: "a.b", type: "varchar(2)", onMisfit: "extra" },
    ]);
    expect(
      own(
        type,
        { n: 99_999, at: "soon", a: { b: "xyz", c: 1 } },
        { n: 5, at: "2026-11-21T10:00:00Z", a: { b: "xy" } },
        { n: "1,5", a: { b: "ok" } },
      ),
    ).toEqual([
      { _extra: { n: 99_999, at: "soon", a: { b: "xyz", c: 1 } } },
      { n: 5, at: "2026-11-21 10:00:00.000", deep: "xy" },
      { deep: "ok", _extra: { n: "1,5" } },
    ]);
  });

  test.each([
    [{ type: "integer", onMisfit: "truncate" }, /cuts texts only, not integer/],
    [{ type: "integer", onMisfit: "extra", nullable: false }, /must not be null/],
  ] as const)("%j is refused with the configuration", (column, message) => {
    expect(() => configOf([typeOf([{ name: "n", ...column }])])).toThrow(message);
  });
});

test("booleans are read as people write them", () => {
  const type = typeOf([{ name: "b", type: "boolean" }]);
  const lines = ["True", "on", "YES", 1, "off", "N", 0, false].map((b) => ({ b }));
  expect(own(type, ...lines).map((row) => (row as { b: unknown }).b)).toEqual([
    true,
    true,
    true,
    true,
    false,
    false,
    false,
    false,
  ]);
  expect(rejectsOf(route(type, { b: 2 }))).toMatchObject([{ reason: "type" }]);
});

describe("paths", () => {
  const type = typeOf([
    { name: "level", field: "log.level", type: "varchar(9)" },
    { name: "app", field: "k8s.labels.app.io/name", type: "varchar(9)" },
    { name: "first", field: "ips.0", type: "varchar(9)" },
    { name: "name", field: "users.1.name", type: "varchar(9)" },
  ]);

  test("find names that have dots of their own, objects, and places in arrays", () => {
    expect(own(type, { "log.level": "INFO", "ecs.version": "1.2.0" })).toEqual([
      { level: "INFO", _extra: { "ecs.version": "1.2.0" } },
    ]);
    expect(own(type, { log: { level: "INFO", x: 1 } })).toEqual([
      { level: "INFO", _extra: { log: { x: 1 } } },
    ]);
    expect(own(type, { k8s: { labels: { "app.io/name": "web", tier: "a" } } })).toEqual([
      { app: "web", _extra: { k8s: { labels: { tier: "a" } } } },
    ]);
    expect(own(type, { "k8s.labels": { app: { "io/name": "web" } } })).toEqual([{ app: "web" }]);
    expect(own(type, { ips: ["1.1.1.1", "2.2.2.2"], users: [{}, { name: "bob" }] })).toEqual([
      {
        first: "1.1.1.1",
        name: "bob",
        _extra: { ips: ["1.1.1.1", "2.2.2.2"], users: [{}, { name: "bob" }] },
      },
    ]);
  });

  test("take the name with the dots where a line has both, and lose nothing of the other", () => {
    expect(own(type, { "log.level": "INFO", log: { level: "WARN" } })).toEqual([
      { level: "INFO", _extra: { log: { level: "WARN" } } },
    ]);
    expect(own(type, { log: { level: "WARN" }, "log.level": null })).toEqual([
      { _extra: { log: { level: "WARN" } } },
    ]);
  });

  test("of the short way and of the general one are the same", () => {
    const key = fc.constantFrom(
      "log.level",
      "log",
      "k8s.labels",
      "k8s",
      "k8s.labels.app.io/name",
      "ips",
      "x.y",
    );
    const value: fc.Arbitrary<unknown> = fc.oneof(
      fc.constantFrom("a", 1, null),
      fc.dictionary(fc.constantFrom("level", "labels", "app.io/name", "0"), fc.constantFrom("b", null), {
        maxKeys: 2,
      }),
    );
    fc.assert(
      fc.property(fc.dictionary(key, value, { maxKeys: 4 }), (fields) => {
        const line = JSON.stringify(fields);
        // A space before the brace is not plain.
        expect(own(type, line)).toEqual(own(type, ` ${line}`));
      }),
      { numRuns: 500 },
    );
  });
});
