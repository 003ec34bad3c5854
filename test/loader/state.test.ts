import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import type { LoaderState } from "../../lambdas/loader/state.ts";
import { DATABASE, type Rig, startRig, WORKGROUP } from "../local/warehouse-fixture.ts";
import { batch } from "./lake-fixture.ts";
import { LoaderRig, logType, targets } from "./loader-fixture.ts";

let rig: Rig;
let loader: LoaderRig;
/** Past the life of the last test's ClientTokens: tests plan the same loads at the same minute. */
let hoursLater = 0;

beforeAll(async () => {
  rig = await startRig({ now: () => new Date(Date.now() + hoursLater * 3_600_000) });
  loader = new LoaderRig(rig, targets(logType("photo")));
});
afterAll(() => rig?.[Symbol.asyncDispose]());
beforeEach(async () => {
  await loader.reset();
  hoursLater += 9;
});

const WAREHOUSE = `workgroup:${WORKGROUP}/${DATABASE}`;
const put = (state: object): Promise<void> => rig.put("loads/state.json", JSON.stringify(state));

test("a state names the warehouse that it is about", async () => {
  await loader.commit(batch({ sequence: [1, 1], sources: { a: [[0, 10]] } }));
  await loader.drain();
  expect(await loader.state()).toMatchObject({ version: 3, warehouse: WAREHOUSE });
});

test("a state of version 2 goes on as it is", async () => {
  const table = {
    cursor: { segment: 3, index: 0 },
    setAside: [],
    backlog: false,
    prepared: "0123456789abcdef",
  };
  await put({ version: 2, tables: { "logs.photo": table }, busySince: "2026-11-21T10:00:00.000Z" });
  expect(await loader.state()).toEqual({
    version: 3,
    tables: { "logs.photo": table },
    busySince: "2026-11-21T10:00:00.000Z",
  });
});

test.each([
  ["another workgroup", "workgroup:elsewhere/weir"],
  ["a cluster of the same name", WAREHOUSE.replace("workgroup", "cluster")],
  ["another database", `workgroup:${WORKGROUP}/elsewhere`],
])("a state of %s says nothing of what this warehouse has", async (_, warehouse) => {
  await loader.commit(batch({ sequence: [1, 1], sources: { a: [[0, 10]] } }));
  await loader.log.sequence();
  const elsewhere: LoaderState = {
    version: 3,
    warehouse,
    tables: { "logs.photo": { cursor: { segment: 2, index: 0 }, setAside: [], backlog: false } },
  };
  await put(elsewhere);
  await loader.drain();
  expect(await loader.rows()).toHaveLength(1);
  expect(await loader.state()).toMatchObject({ warehouse: WAREHOUSE });
  expect(loader.logged).toContainEqual({
    message: expect.stringContaining("another warehouse"),
    fields: { before: warehouse, now: WAREHOUSE, tables: ["logs.photo"] },
  });
});
