import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { type Rig, startRig } from "../local/warehouse-fixture.ts";
import { batch, offsets } from "./lake-fixture.ts";
import { LoaderRig, logType, targets } from "./loader-fixture.ts";

/** Tables whose column names take more SQL than one call of the Data API has room for. */

let rig: Rig;
let loader: LoaderRig;
/** Past the life of the last test's ClientTokens. */
let hoursLater = 0;

beforeAll(async () => {
  rig = await startRig({ now: () => new Date(Date.now() + hoursLater * 3_600_000) });
});
afterAll(() => rig?.[Symbol.asyncDispose]());
beforeEach(async () => {
  hoursLater += 9;
  loader = new LoaderRig(rig, wide(1_500, 63));
  await loader.reset();
});

const nameOf = (i: number, length: number): string => `c${i}_`.padEnd(length, "x");

function wide(count: number, length: number, encode: "zstd" | "lzo" = "zstd"): LoaderRig["targets"] {
  const columns = Array.from({ length: count }, (_, i) => ({
    name: nameOf(i, length),
    type: "varchar(255)",
    encode,
  }));
  const sort = columns.slice(-400).map(({ name }) => name);
  return targets({
    ...logType("photo", columns),
    destinations: [{ to: "redshift", schema: "logs", sort, distribution: { key: sort[0]! } }],
  });
}

const FIELDS = Object.fromEntries([0, 700, 1_499].map((i) => [nameOf(i, 63), `value ${i}`]));

/** Rows, and those that have the values of {@link FIELDS} where they belong. */
async function counted(): Promise<object[]> {
  const where = Object.entries(FIELDS).map(([name, value]) => `${name} = '${value}'`);
  const sql = `SELECT count(*) AS rows, count(CASE WHEN ${where.join(" AND ")} THEN 1 END) AS whole FROM logs.photo`;
  return rig.warehouse.query(sql);
}

const failures = (): string =>
  JSON.stringify(loader.logged.filter(({ message }) => /failed/.test(message)).map(({ fields }) => fields));

test("1,500 columns of 63 characters are made and loaded, by objects of either codec, fast and slow", async () => {
  await loader.commit(
    batch({ sequence: [1, 1], sources: { a: [[0, 50]] }, fields: FIELDS }),
    batch({ sequence: [2, 2], sources: { b: [[0, 50]] }, fields: FIELDS, codec: "gzip" }),
  );
  await loader.drain();
  expect(failures()).toBe("[]");
  expect(await counted()).toEqual([{ rows: "10", whole: "10" }]);
  await loader.commit(
    batch({ sequence: [3, 3], sources: { a: [[20, 80]] }, fields: FIELDS }),
    batch({ sequence: [4, 4], sources: { b: [[20, 80]] }, fields: FIELDS, codec: "gzip" }),
  );
  await loader.drain();
  expect(failures()).toBe("[]");
  expect(await counted()).toEqual([{ rows: "16", whole: "16" }]);
  expect((await loader.loads()).map(({ path }) => path)).toEqual(["fast", "slow"]);
  const [{ n }] = (await rig.warehouse.query(
    "SELECT count(*) AS n FROM information_schema.columns WHERE table_schema = 'logs' AND table_name = 'photo'",
  )) as [{ n: string }];
  expect(n).toBe("1507");
});

test("a table grows by more columns than one call adds, and goes on where it was interrupted", async () => {
  loader.targets = targets(logType("photo"));
  await loader.commit(batch({ sequence: [1, 1], sources: { a: [[0, 10]] } }));
  await loader.drain();
  loader.targets = wide(300, 63);
  await rig.warehouse.query(`ALTER TABLE logs.photo ADD COLUMN ${nameOf(120, 63)} varchar(20)`);
  await loader.commit(batch({ sequence: [2, 2], sources: { a: [[10, 50]] }, fields: FIELDS }));
  await loader.drain();
  expect(failures()).toBe("[]");
  const lengths = await rig.warehouse.query(
    `SELECT character_maximum_length AS bytes, count(*) AS n FROM information_schema.columns
     WHERE table_schema = 'logs' AND table_name = 'photo' AND column_name LIKE 'c%x' GROUP BY 1`,
  );
  expect(lengths).toEqual([{ bytes: 255, n: "300" }]);
  expect((await loader.rows()).map(({ _off }) => Number(_off))).toEqual(offsets(0, 50));
});

test("a column of somebody else's that COPY would leave empty is named, where there is no room for a list", async () => {
  await loader.commit(batch({ sequence: [1, 1], sources: { a: [[0, 10]] }, fields: FIELDS }));
  await loader.drain();
  await rig.warehouse.query(
    "ALTER TABLE logs.photo ADD COLUMN mine integer, ADD COLUMN theirs integer DEFAULT 7",
  );
  loader.targets = wide(1_500, 63, "lzo");
  await loader.commit(batch({ sequence: [2, 2], sources: { a: [[10, 20]] }, fields: FIELDS }));
  await loader.tick();
  expect(failures()).toMatch(/logs.photo cannot be changed to fit: theirs is no column of the configuration/);
  expect(failures()).not.toContain("mine is");
  await rig.warehouse.query("ALTER TABLE logs.photo DROP COLUMN theirs");
  loader.now = new Date(loader.now.getTime() + 61 * 60_000);
  await loader.drain();
  expect(await counted()).toEqual([{ rows: "2", whole: "2" }]);
});
