import { setTimeout as sleep } from "node:timers/promises";
import { BatchExecuteStatementCommand } from "@aws-sdk/client-redshift-data";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { DataApi } from "../../lambdas/loader/data-api.ts";
import { prepareTable } from "../../lambdas/loader/prepare.ts";
import { DATABASE, type Rig, startRig, TARGET, WORKGROUP } from "../local/warehouse-fixture.ts";
import { LoaderRig, logType, targets } from "./loader-fixture.ts";

/** Tables that are changed while somebody else uses or changes them. */

const READER = "somebody reads";

let rig: Rig;
let api: DataApi;
/** What the reader waits for before its transaction ends. */
let reading: Promise<void> | undefined;

beforeAll(async () => {
  rig = await startRig({
    beforeCommit: async ({ options }) => (options.name === READER ? reading : undefined),
  });
});
afterAll(() => rig?.[Symbol.asyncDispose]());
beforeEach(async () => {
  await new LoaderRig(rig, []).reset();
  api = new DataApi(rig.redshift, { workgroup: WORKGROUP, database: DATABASE }, 1);
});

const [before] = targets(logType("photo"));
const [after] = targets(
  logType("photo", [
    { name: "note", type: "varchar(64)" },
    { name: "size", type: "integer" },
    { name: "camera", type: "varchar(8)" },
  ]),
);

const columns = async (): Promise<string[]> =>
  (
    await rig.warehouse.query<{ name: string }>(
      `SELECT column_name AS name FROM information_schema.columns
       WHERE table_schema = 'logs' AND column_name !~ '^_' ORDER BY ordinal_position`,
    )
  ).map(({ name }) => name);

test("an ALTER that waits behind a reader gives up, so that the next reader need not wait for it", async () => {
  await prepareTable(before!, api);
  const { promise, resolve: leave } = Promise.withResolvers<void>();
  reading = promise;
  const command = { ...TARGET, Sqls: ["SELECT count(*) FROM logs.photo"], StatementName: READER };
  const { Id: reader } = await rig.redshift.send(new BatchExecuteStatementCommand(command));
  await expect
    .poll(() =>
      rig.warehouse.query(
        "SELECT 1 FROM pg_locks l JOIN pg_class c ON c.oid = l.relation WHERE relname = 'photo'",
      ),
    )
    .toHaveLength(1);

  await expect(prepareTable(after!, api)).rejects.toThrow(
    /did not end within 1 s and was cancelled; somebody reads/,
  );
  expect(await rig.warehouse.query("SELECT count(*) AS n FROM logs.photo")).toEqual([{ n: "0" }]);
  expect(await columns()).toEqual(["note"]);

  leave();
  await rig.describe(reader!);
  await prepareTable(after!, api);
  expect(await columns()).toEqual(["note", "size", "camera"]);
});

test("two loaders, and a person, may change a table at once: what is there is done", async () => {
  await prepareTable(before!, api);
  const patient = new DataApi(rig.redshift, { workgroup: WORKGROUP, database: DATABASE });
  const byHand = async (): Promise<void> => {
    await sleep(Math.random() * 30);
    await rig.warehouse.query("ALTER TABLE logs.photo ADD COLUMN IF NOT EXISTS camera varchar(8)");
  };
  await Promise.all([prepareTable(after!, patient), prepareTable(after!, patient), byHand()]);
  expect((await columns()).sort()).toEqual(["camera", "note", "size"]);
  expect(await prepareTable(after!, patient)).toEqual([]);
});
