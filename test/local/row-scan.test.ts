import fc from "fast-check";
import { expect, test } from "vitest";
import { RowScan } from "../../local/reconcile/row-scan.ts";
import { EmptyColumns } from "../../ops/try/empty-columns.ts";
import { logTypeSchema } from "../../wire/log-type.ts";

const NAMES = ["a", "b", "c", "d"];
const { columns } = logTypeSchema.parse({
  name: "t",
  parse: { format: "json" },
  columns: NAMES.map((name) => ({ name, type: "super" })),
});

/** Many rows of one column, a few of others; names of columns stand in values, too, and below other fields. */
const rows = fc
  .tuple(
    fc.array(fc.constant({ a: 1, _extra: { b: { c: 1 } }, text: '"c":' }), { maxLength: 400 }),
    fc.array(fc.subarray(NAMES), { maxLength: 5 }),
  )
  .map(([many, few]) => [
    ...many,
    ...few.map((names) => Object.fromEntries(names.map((name) => [name, "x"]))),
  ]);

test("columns without a value are the same, however the objects of rows are cut into parts", () => {
  fc.assert(
    fc.property(rows, fc.array(fc.integer({ min: 1, max: 2_000 }), { minLength: 1 }), (rows, sizes) => {
      const all = Buffer.from(rows.map((row) => `${JSON.stringify(row)}\n`).join(""));
      const empty = new EmptyColumns(columns);
      const look = new RowScan(empty).object();
      for (let [at, i] = [0, 0]; at < all.length; i++) {
        const size = sizes[i % sizes.length]!;
        look(all.subarray(at, at + size));
        at += size;
      }
      const expected = NAMES.filter((name) => !rows.some((row) => name in row));
      expect(empty.found().map(({ column }) => column)).toEqual(expected);
    }),
  );
});
