import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { type DuckDBConnection, DuckDBInstance } from "@duckdb/node-api";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Router } from "../../lambdas/router/router.ts";
import { athenaSql, duckdbSql } from "../../ops/schema/lake-sql.ts";
import type { WeirConfigInput } from "../../wire/config.ts";
import { dataKey } from "../../wire/keys.ts";
import { rowColumns } from "../../wire/log-type.ts";
import { aggregate, configOf, streamRecord } from "../router/batch-fixture.ts";

/** One column of each kind. */
const ORDER: WeirConfigInput["types"][number] = {
  name: "order",
  parse: { format: "json" },
  time: { field: "at", format: "iso8601" },
  columns: [
    { name: "small", type: "smallint" },
    { name: "id", type: "bigint" },
    { name: "price", type: "decimal(38,10)" },
    { name: "ratio", type: "double precision" },
    { name: "near", type: "real" },
    { name: "paid", type: "boolean" },
    { name: "day", type: "date" },
    { name: "seen", type: "timestamp", time: { format: "iso8601" } },
    { name: "zoned", type: "timestamptz", time: { format: "iso8601" } },
    { name: "note", type: "varchar(200)" },
    { name: "lines", type: "super" },
  ],
};
/** What a key says is a column of its own. */
const PARTED: WeirConfigInput["types"][number] = {
  name: "parted",
  parse: { format: "json" },
  columns: [
    { name: "type", type: "varchar(20)" },
    { name: "dt", type: "varchar(20)" },
  ],
};
const config = configOf([ORDER, PARTED]);
const [order, parted] = config.types;

const first = {
  at: "2026-11-21T09:59:58.5Z",
  small: -5,
  id: "9223372036854775807",
  price: "1234567890123456789012345678.0123456789",
  ratio: 1e21,
  near: 0.25,
  paid: "yes",
  day: "2024-02-29",
  seen: "2026-11-21T09:59:58.123456Z",
  zoned: "2026-11-21T10:59:58.5+01:00",
  note: 'it\'s "so" \\ é 🦊',
  lines: [{ Sku: "a", n: null }, 1.5],
  More: { Here: true },
};
const second = { at: "2026-11-21T11:00:00Z", id: 7 };

let lake: string;
let duckdb: DuckDBConnection;

beforeAll(async () => {
  lake = await mkdtemp(join(tmpdir(), "weir-it's-lake-"));
  const lines = [first, second].map((line) => ({ tag: "order", data: JSON.stringify(line) }));
  const own = { tag: "parted", data: JSON.stringify({ type: "mine", dt: "also mine" }) };
  // The agent was killed, and sends again what nobody had acknowledged.
  await file(1, [...lines, { ...own, offset: 5_000 }]);
  await file(2, [...lines]);
  duckdb = await (await DuckDBInstance.create(":memory:")).connect();
  await duckdb.run("SET TimeZone = 'UTC'");
});
afterAll(async () => {
  duckdb.closeSync();
  await rm(lake, { recursive: true });
});

async function file(sequence: number, lines: Parameters<typeof aggregate>[0]): Promise<void> {
  const routed = new Router(config).route([streamRecord(aggregate(lines), sequence)]);
  for (const { key, body } of routed.objects) {
    await mkdir(dirname(join(lake, key)), { recursive: true });
    await writeFile(join(lake, key), body);
  }
}

async function rows(sql: string): Promise<unknown[]> {
  return (await duckdb.runAndReadAll(sql)).getRowObjectsJson();
}

test("a view of DuckDB's has each line once, and each value to its last digit", async () => {
  await duckdb.run(duckdbSql({ type: order!, lake }));
  expect(await rows(`SELECT * EXCLUDE (_crc, _src, _host) FROM "order" ORDER BY _time`)).toEqual([
    {
      _time: "2026-11-21 09:59:58.5",
      _off: "0",
      _arrived_at: "2026-11-21 10:00:00.25",
      _extra: '{"More":{"Here":true}}',
      small: -5,
      id: "9223372036854775807",
      price: "1234567890123456789012345678.0123456789",
      ratio: 1e21,
      near: 0.25,
      paid: true,
      day: "2024-02-29",
      seen: "2026-11-21 09:59:58.123456",
      zoned: "2026-11-21 09:59:58.5+00",
      note: first.note,
      lines: '[{"Sku":"a","n":null},1.5]',
      dt: "2026-11-21",
      hr: "09",
    },
    expect.objectContaining({ id: "7", price: null, _extra: null, hr: "11" }),
  ]);
});

test("a query of one hour reads the objects of that hour alone", async () => {
  const plan = async (where: string): Promise<string> =>
    JSON.stringify(await rows(`EXPLAIN ANALYZE SELECT count(*) FROM "order" ${where}`));
  expect(await plan("")).toContain("Total Files Read: 4");
  expect(await plan("WHERE dt = DATE '2026-11-21' AND hr = '11'")).toContain("Total Files Read: 2");
});

test("columns that are called like a part of a key keep their own values", async () => {
  await duckdb.run(duckdbSql({ type: parted!, lake }));
  expect(await rows(`SELECT type, dt FROM parted`)).toEqual([{ type: "mine", dt: "also mine" }]);
  expect(athenaSql({ type: parted!, lake }, "2026-01-01")).toContain(
    "PARTITIONED BY (`_dt` string, `_hr` string)",
  );
});

test("Athena's partitions are projected to where rows are", () => {
  const sql = athenaSql({ type: order!, lake: "s3://lake/" }, "2026-01-01");
  const [, template] = /'storage.location.template' = '(.*)'/.exec(sql)!;
  const batch = { origin: "shardId-000000000000", firstSequenceNumber: "1", lastSequenceNumber: "2" };
  const key = dataKey("order", new Date("2026-11-21T09:00:00Z"), batch, "0123456789abcdef", "zstd");
  const place = template!.replace("${dt}", "2026-11-21").replace("${hr}", "09");
  expect(`s3://lake/${key}`.startsWith(place)).toBe(true);
  expect(`s3://lake/${key}`.slice(place.length)).not.toContain("/");
  expect(sql).toContain("'projection.dt.range' = '2026-01-01,NOW+1DAYS'");
  expect(/'projection.hr.values' = '(.*)'/.exec(sql)![1]!.split(",")).toHaveLength(24);
});

/** Athena is not here: DuckDB takes the same casts, over the texts that the table's SerDe gives. */
test("Athena's view has the same values, of columns that are texts", async () => {
  const [table, view] = athenaSql({ type: order!, lake }, "2026-01-01").split(";\n\n");
  const texts = rowColumns(order!).map(({ name }) => `"${name}": 'VARCHAR'`);
  for (const { name } of rowColumns(order!)) expect(table).toContain(`\`${name}\` string`);
  await duckdb.run(`CREATE VIEW order_lines AS SELECT * FROM read_json('${lake.replaceAll("'", "''")}/data/type=order/*/*/*',
    format = 'newline_delimited', hive_types = {'dt': VARCHAR, 'hr': VARCHAR}, columns = {${texts.join(", ")}})`);
  await duckdb.run(view!.replace('VIEW "order"', "VIEW of_athena"));
  const same = `(SELECT * EXCLUDE (dt, hr, _extra, lines, zoned) FROM "order")`;
  expect(await rows(`SELECT * EXCLUDE (dt, hr, _extra, lines, zoned) FROM of_athena EXCEPT ${same}`)).toEqual(
    [],
  );
  expect(await rows("SELECT zoned::varchar AS zoned, hr FROM of_athena ORDER BY _time")).toEqual([
    { zoned: "2026-11-21 09:59:58.5", hr: "09" },
    { zoned: null, hr: "11" },
  ]);
});
