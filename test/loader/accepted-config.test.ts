import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { ENCODINGS, encodes } from "../../wire/column-encoding.ts";
import { parseColumnType } from "../../wire/column-type.ts";
import { type Rig, startRig } from "../local/warehouse-fixture.ts";
import { batch } from "./lake-fixture.ts";
import { LoaderRig, logType, targets } from "./loader-fixture.ts";

/** What a configuration may say of a table is made and loaded, as far as PostgreSQL can show it. */

let rig: Rig;
let loader: LoaderRig;
/** Past the life of the last run's ClientTokens. */
let hoursLater = 0;

beforeAll(async () => {
  rig = await startRig({ now: () => new Date(Date.now() + hoursLater * 3_600_000) });
  loader = new LoaderRig(rig, []);
});
afterAll(() => rig?.[Symbol.asyncDispose]());

const VALUES: Readonly<Record<string, unknown>> = {
  smallint: -32_768,
  integer: 2 ** 31 - 1,
  bigint: "9223372036854775807",
  real: 1.5,
  "double precision": 1e300,
  decimal: "0",
  boolean: true,
  date: "2026-02-28",
  timestamp: "2026-02-28 01:02:03.456",
  timestamptz: "2026-02-28 01:02:03.456+00",
  varchar: "é",
  char: "e",
  super: { a: [1, null] },
};

/** Words that Redshift or PostgreSQL reserve, or have types, functions and settings by. */
const WORDS =
  "user tag all table order select from where group limit offset sysdate current_user timestamp date integer char " +
  "super json default primary key references constraint check unique collate encode distkey sortkey encrypt copy " +
  "manifest null true false not array interval open system target template staged fresh row_id src off n t s w";

const type = fc.oneof(
  fc.constantFrom(...Object.keys(VALUES).filter((kind) => !/decimal|char/.test(kind))),
  fc.constantFrom(1, 2, 255, 65_535).map((bytes) => `varchar(${bytes + (bytes === 1 ? 1 : 0)})`),
  fc.constantFrom(1, 4_096).map((bytes) => `char(${bytes})`),
  fc
    .tuple(fc.integer({ min: 1, max: 38 }), fc.nat(37))
    .map(([precision, scale]) => `decimal(${precision},${Math.min(precision, scale)})`),
);
const name = fc.oneof(
  fc.constantFrom(...WORDS.split(" ")),
  fc
    .stringMatching(/^[a-z][a-z0-9_]{0,62}$/)
    .filter((name) => !/^(?:oid|ctid|tableoid|[cx]m(?:in|ax))$/.test(name)),
);
const columns = fc
  .array(fc.record({ name, type, pick: fc.nat(), nullable: fc.boolean() }), { minLength: 1, maxLength: 25 })
  .map((columns) => {
    const unique = new Map(columns.map((column) => [column.name, column]));
    return [...unique.values()].map(({ pick, ...column }) => {
      const possible = [undefined, ...ENCODINGS.filter((encoding) => encodes(encoding, column.type))];
      const encode = possible[pick % possible.length];
      return encode === undefined ? column : { ...column, encode };
    });
  });

test("any names, types, encodings and keys that are accepted make a table that loads", async () => {
  const keys = fc.record({
    sort: fc.array(fc.nat(), { maxLength: 6 }),
    style: fc.constantFrom("even", "auto", "all", "key"),
    table: fc.constantFrom("user", "order", "table", "photo", "t".repeat(63)),
  });
  await fc.assert(
    fc.asyncProperty(columns, keys, async (columns, { sort, style, table }) => {
      hoursLater += 9;
      await loader.reset();
      const able = [
        "_time",
        "_host",
        ...columns.filter(({ type }) => type !== "super").map(({ name }) => name),
      ];
      const sorted = [...new Set(sort.map((i) => able[i % able.length]!))];
      const distribution = style === "key" ? { key: able.at(-1)! } : (style as "even");
      loader.targets = targets({
        ...logType("photo", columns),
        destinations: [{ to: "redshift", schema: "logs", table, sort: sorted, distribution }],
      });
      const fields = Object.fromEntries(
        columns.map(({ name, type }) => [name, VALUES[parseColumnType(type)!.kind]]),
      );
      await loader.commit(batch({ sequence: [1, 1], sources: { a: [[0, 30]] }, fields }));
      await loader.drain();
      await loader.commit(batch({ sequence: [2, 2], sources: { a: [[20, 50]] }, fields, codec: "gzip" }));
      await loader.drain();
      expect(loader.logged.filter(({ message }) => message.startsWith("load failed"))).toEqual([]);
      const filled = columns.map(({ name }) => `"${name}" IS NOT NULL`).join(" AND ");
      expect(
        await rig.warehouse.query(`SELECT count(*) AS rows FROM logs."${table}" WHERE ${filled}`),
      ).toEqual([{ rows: "5" }]);
    }),
    { numRuns: 25 },
  );
});

test.each([
  ["Status", /columns\[0\]\.name: lower-case .* name: "status", field: "Status"/],
  ["1st value", /name: "st_value", field: "1st value"/],
  ["größe", /name: "gro_e", field: "größe"/],
  ['a "quoted" name', /name: "a_quoted_name", field: "a \\"quoted\\" name"/],
  ["x".repeat(64), /at most 63.* name: "x{63}", field: "x{64}"/],
  ["日本", /columns\[0\]\.name: lower-case letters, digits and _, .* is Weir's own$/],
  ["_src", /a leading _ is Weir's own; for example name: "src", field: "_src"/],
])("a column called %s is refused, with a name that it may have", (name, message) => {
  expect(() => targets(logType("photo", [{ name, type: "bigint" }]))).toThrow(message);
});

test("more columns than a table has are refused by their number", () => {
  const columns = Array.from({ length: 1_581 }, (_, i) => ({ name: `c${i}`, type: "bigint" }));
  expect(() => targets(logType("photo", columns))).toThrow(/types\[0\]\.columns: at most 1580, as a table/);
});
