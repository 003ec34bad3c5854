import { expect, test } from "vitest";
import { configFingerprint } from "../../wire/config-fingerprint.ts";
import { parseConfig, type WeirConfigInput } from "../../wire/config.ts";

const TYPE: WeirConfigInput["types"][number] = {
  name: "photo",
  parse: { format: "json" },
  time: { field: "at", format: "iso8601" },
  columns: [{ name: "note", type: "varchar(20)" }],
};
const CONFIG: WeirConfigInput = { types: [TYPE] };
const fingerprint = (config: WeirConfigInput): string => configFingerprint(parseConfig(config, "test"));
const ofType = (type: Partial<typeof TYPE>): WeirConfigInput => ({ types: [{ ...TYPE, ...type }] });

/** Lakes name it in each commit: what is the same configuration today has to be the same tomorrow. */
test("a configuration has one name for ever", () => {
  expect(fingerprint(CONFIG)).toBe("a5a782d875b9");
});

test.each<[string, WeirConfigInput]>([
  ["fields in another order", { types: [Object.fromEntries(Object.entries(TYPE).reverse()) as never] }],
  ["a default that is stated", { ...CONFIG, lake: { compression: "zstd" }, foreign: { splitLines: true } }],
  ["its own tag stated", ofType({ match: { tags: ["photo"] } })],
  ["a column's own field stated", ofType({ columns: [{ ...TYPE.columns[0]!, field: "note" }] })],
  [
    "a table",
    {
      ...CONFIG,
      warehouse: { kind: "new-serverless" },
      types: [{ ...TYPE, destinations: [{ to: "redshift", schema: "other", sort: ["_arrived_at"] }] }],
    },
  ],
  ["what it was called", ofType({ formerNames: ["picture"] })],
  ["a column's encoding", ofType({ columns: [{ ...TYPE.columns[0]!, encode: "zstd" }] })],
  [
    "the batch size, and when and whom to alarm",
    { ...CONFIG, router: { batchSize: 7 }, alarms: { email: "a@b.example" } },
  ],
])("%s is the same configuration to the router", (_what, config) => {
  expect(fingerprint(config)).toBe(fingerprint(CONFIG));
});

test.each<[string, WeirConfigInput]>([
  ["a column's length", ofType({ columns: [{ name: "note", type: "varchar(21)" }] })],
  ["a column that must have a value", ofType({ columns: [{ ...TYPE.columns[0]!, nullable: false }] })],
  ["a column's field", ofType({ columns: [{ ...TYPE.columns[0]!, field: "remark" }] })],
  ["texts that are no value", ofType({ nulls: ["-"] })],
  ["a column's own", ofType({ columns: [{ ...TYPE.columns[0]!, nulls: ["-"] }] })],
  ["what becomes of what does not fit", ofType({ columns: [{ ...TYPE.columns[0]!, onMisfit: "extra" }] })],
  [
    "how a column's times are read",
    ofType({ columns: [{ name: "note", type: "date", time: { format: "epoch" } }] }),
  ],
  ["lines that are skipped", ofType({ skip: { comments: ["#"] } })],
  ["bytes that are not UTF-8", ofType({ invalidUtf8: "replace" })],
  ["the zone of times", ofType({ time: { ...TYPE.time!, zone: "+01:00" } })],
  ["the name of a type", ofType({ name: "image", match: { tags: ["photo"] } })],
  ["the tags", ofType({ match: { tags: ["photo", "picture"] } })],
  ["the format of lines", ofType({ parse: { format: "ltsv" } })],
  ["no event time", { types: [{ name: "photo", parse: TYPE.parse, columns: TYPE.columns }] }],
  ["the compression", { ...CONFIG, lake: { compression: "gzip" } }],
  ["hours in a batch", { ...CONFIG, lake: { maxHoursPerBatch: 3 } }],
  ["memory, which ends batches", { ...CONFIG, router: { memoryMb: 512 } }],
  ["a column's expression", ofType({ columns: [{ ...TYPE.columns[0]!, value: "remark" }] })],
  ["its classes", ofType({ columns: [{ ...TYPE.columns[0]!, classes: { a: ["*", 1] } }] })],
  ["its default", ofType({ columns: [{ ...TYPE.columns[0]!, default: "" }] })],
  ["lines that are dropped", ofType({ drop: "note == 'x'" })],
  ["fields that are removed", ofType({ remove: ["mail"] })],
  ["a table for all types", { ...CONFIG, tables: { a: { entries: { x: 1 } } } }],
  ["a table of a type", ofType({ tables: { a: { entries: { x: 1 } } } })],
  ["the salt of hashes", { ...CONFIG, hashSalt: "a salt of 16 characters" }],
  ["where other producers have their tag", { ...CONFIG, foreign: { tag: { field: "tag" } } }],
])("%s makes another one", (_what, config) => {
  expect(fingerprint(config)).not.toBe(fingerprint(CONFIG));
});

test("types in another order are another configuration: the first that matches wins", () => {
  const other = { ...TYPE, name: "other" };
  expect(fingerprint({ types: [TYPE, other] })).not.toBe(fingerprint({ types: [other, TYPE] }));
});

test("types that get copies, and on which condition, decide", () => {
  const other = { ...TYPE, name: "other" };
  const names = [undefined, [{ to: "other" }], [{ to: "other", when: "has(note)" }]].map((copy) =>
    fingerprint({ types: [{ ...TYPE, ...(copy && { copy }) }, other] }),
  );
  expect(new Set(names).size).toBe(3);
});

test("a table is named by its entries in any order, and by its default", () => {
  const table = (table: NonNullable<WeirConfigInput["tables"]>[string]) =>
    fingerprint({ ...CONFIG, tables: { a: table } });
  const name = table({ entries: { x: 1, y: "2" } });
  expect(table({ entries: { y: "2", x: 1 } })).toBe(name);
  for (const other of [{ x: 1, y: 2 }, { x: 1 }, { x: "1", y: "2" }, { x: 1, y: "2", z: 3 }])
    expect(table({ entries: other })).not.toBe(name);
  expect(table({ entries: { x: 1, y: "2" }, default: 0 })).not.toBe(name);
});
