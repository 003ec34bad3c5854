import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { type Rig, startRig } from "../local/warehouse-fixture.ts";
import { batch, offsets } from "./lake-fixture.ts";
import { LoaderRig, logType, targets } from "./loader-fixture.ts";

let rig: Rig;
let loader: LoaderRig;
let hoursLater = 0;

beforeAll(async () => {
  rig = await startRig({ now: () => new Date(Date.now() + hoursLater * 3_600_000) });
  loader = new LoaderRig(rig, []);
});
afterAll(() => rig?.[Symbol.asyncDispose]());
beforeEach(async () => {
  await loader.reset();
  hoursLater += 9;
});

test.each(["refused", "former statement"] as const)(
  "a load that was submitted, forgotten and changed is done once and without an hour's wait: its token with other SQL %s",
  async (changedSql) => {
    rig.warehouse.conditions.changedSql = changedSql;
    loader.targets = targets(logType("photo"));
    await loader.commit(batch({ sequence: [1, 1], sources: { a: [[0, 50]] }, fields: { note: "x" } }));
    loader.diesAt = (step) => step.startsWith("after submit");
    await expect(loader.tick()).rejects.toThrow("the loader died");
    loader.diesAt = undefined;
    loader.logged.length = 0;
    const note = { name: "note", type: "varchar(8)" } as const;
    loader.targets = targets(logType("photo", [note, { name: "more", type: "integer" }]));
    await loader.drain();
    expect((await loader.rows()).map(({ _off }) => Number(_off))).toEqual(offsets(0, 50));
    expect(await loader.loads()).toHaveLength(1);
    expect(loader.logged.filter(({ message }) => message === "load failed")).toEqual([]);
  },
);
