import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { LEDGER_TABLES } from "../../lambdas/loader/ledger/ledger-tables.ts";
import { type Rig, startRig } from "../local/warehouse-fixture.ts";
import { batch } from "./lake-fixture.ts";
import { LoaderRig, logType, targets } from "./loader-fixture.ts";

let rig: Rig;
let loader: LoaderRig;

beforeAll(async () => {
  rig = await startRig();
  loader = new LoaderRig(rig, targets(logType("photo"), logType("user")));
});
afterAll(() => rig?.[Symbol.asyncDispose]());
beforeEach(() => loader.reset());

const columns = async (): Promise<string[]> => {
  const rows = await rig.warehouse.query<{ column: string }>(
    `SELECT table_name || '.' || column_name AS column FROM svv_columns WHERE table_schema = 'weir'`,
  );
  return rows.map(({ column }) => column);
};

test("a ledger of the first release gains the columns that came since, and keeps its rows", async () => {
  await rig.warehouse.query(`CREATE TABLE weir.loads (
    load_id varchar(200) NOT NULL, target varchar(127) NOT NULL, path varchar(4) NOT NULL,
    rows_staged bigint NOT NULL, rows_inserted bigint NOT NULL, loaded_at timestamp NOT NULL)`);
  await rig.warehouse.query("INSERT INTO weir.loads VALUES ('old', 'logs.photo', 'fast', 1, 1, now())");
  await loader.commit(
    batch({ sequence: [1, 1], sources: { a: [[0, 10]] } }),
    batch({ sequence: [2, 2], sources: { u: [[0, 10]] }, type: "user" }),
  );
  await loader.drain();
  const wanted = LEDGER_TABLES.flatMap(({ name, columns }) => columns.map((one) => `${name}.${one.name}`));
  expect(await columns()).toEqual(expect.arrayContaining(wanted));
  const loads = await rig.warehouse.query("SELECT load_id FROM weir.loads WHERE load_id = 'old'");
  expect(loads).toHaveLength(1);
  expect(await loader.rows("user")).toHaveLength(1);
});

test("what a column is that came later, rows of before can be without", () => {
  const first = LEDGER_TABLES.flatMap(({ name, columns }) =>
    columns.filter(({ notNull }) => notNull).map((one) => `${name}.${one.name}`),
  );
  expect(first.filter((name) => name.startsWith("loads."))).toEqual(
    ["load_id", "target", "path", "rows_staged", "rows_inserted", "loaded_at"].map((name) => `loads.${name}`),
  );
});
