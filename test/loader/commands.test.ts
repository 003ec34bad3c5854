import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import type { LoaderCommand } from "../../wire/loader-command.ts";
import { type Rig, startRig } from "../local/warehouse-fixture.ts";
import { batch } from "./lake-fixture.ts";
import { LoaderRig, logType, targets } from "./loader-fixture.ts";

let rig: Rig;
let loader: LoaderRig;
let hold: Promise<void> | undefined;
let hoursLater = 0;

beforeAll(async () => {
  const now = (): Date => new Date(Date.now() + hoursLater * 3_600_000);
  rig = await startRig({ beforeCommit: async ({ options }) => (options.name ? hold : undefined), now });
  loader = new LoaderRig(rig, []);
});
afterAll(() => rig?.[Symbol.asyncDispose]());
beforeEach(async () => {
  await loader.reset();
  loader.targets = targets(logType("photo"));
  hold = undefined;
  hoursLater += 9;
});

const only = async () => {
  const answer = await loader.command({ command: "status" });
  if (!answer.ok) throw new Error(answer.error.message);
  expect(answer.tables).toHaveLength(1);
  return answer.tables[0]!;
};

test("status follows a table from the log into the warehouse", async () => {
  expect(await only()).toEqual({
    table: "logs.photo",
    condition: "loaded",
    text: "all that the log holds is loaded",
    cursor: { segment: 1, index: 0 },
    lagSeconds: 0,
    setAside: [],
  });
  await loader.commit(batch({ sequence: [1, 1], sources: { a: [[0, 50]] } }));
  await loader.sequence();
  expect(await only()).toMatchObject({
    condition: "waiting",
    lagSeconds: 300,
    text: "the next tick reads commits from 2026-11-21T10:00:00.000Z",
  });

  const { promise, resolve: release } = Promise.withResolvers<void>();
  hold = promise;
  await loader.tick();
  expect(await only()).toMatchObject({
    condition: "loading",
    lagSeconds: 300,
    text: "a load of 5 rows runs since 2026-11-21T10:05:00.000Z",
    load: { path: "fast", attempt: 0, rows: 5, statementId: expect.any(String) as string },
  });
  release();
  await loader.drain();
  expect(await only()).toMatchObject({ condition: "loaded", lagSeconds: 0, cursor: { segment: 2 } });
});

test("status says why a load failed, how often, and when it is tried again", async () => {
  await loader.commit(batch({ sequence: [1, 1], sources: { a: [[0, 10]] } }));
  await rig.warehouse.query("CREATE TABLE logs.photo (_src int)");
  await loader.drain().catch(() => undefined);
  const { condition, text, load } = await only();
  expect(condition).toBe("failed");
  expect(load!.failure!.count).toBeGreaterThan(0);
  expect(text).toMatch(/^a load of 1 rows failed .*is tried again from 2026-.*: .*_src/s);
});

test("status counts the rows that the warehouse refuses, and says since when", async () => {
  await loader.commit(
    batch({ sequence: [1, 1], sources: { a: [[0, 10]] }, fields: { note: "far too long" } }),
    batch({ sequence: [2, 2], sources: { a: [[10, 20]] }, fields: { note: "x" } }),
  );
  await loader.drain();
  expect(await only()).toMatchObject({
    condition: "loaded",
    text: expect.stringMatching(
      /^all that the log holds is loaded; the warehouse refuses 1 rows, set aside since 2026-/,
    ) as string,
    refused: { objects: 1, rows: 1 },
  });
});

test("status tells what was set aside, and tables that no log type names any more", async () => {
  await loader.commit(batch({ sequence: [1, 1], sources: { a: [[0, 10]] } }));
  await rig.put("commits/2026/11/21/10/01/broken-1.json", "no commit");
  await loader.drain();
  loader.targets = targets(logType("user"));
  const answer = await loader.command({ command: "status" });
  expect(answer).toMatchObject({
    ok: true,
    tables: [
      {
        table: "logs.photo",
        condition: "unconfigured",
        text: "no log type names this table any more; 1 commits could not be read and are set aside",
        setAside: [{ commits: 1, from: { segment: 1, index: 1 } }],
      },
      { table: "logs.user", condition: "waiting" },
    ],
  });
});

test.each([
  [{ command: "frobnicate" }, /no command "frobnicate"/, /deploy the release/],
  [{ command: "toString" }, /no command "toString"/, /this loader knows .*status/],
  [{ command: 7 }, /no command 7/, /deploy/],
  [{ command: "status", table: "logs.photo" }, /"table"/, undefined],
])("%j is refused by name", async (command, message, hint) => {
  const answer = await loader.command(command as unknown as LoaderCommand);
  expect(answer).toMatchObject({ ok: false, error: { code: "BAD_COMMAND" } });
  if (answer.ok) throw new Error("carried out");
  expect(answer.error.message).toMatch(message);
  if (hint) expect(answer.error.hint).toMatch(hint);
  expect(answer.error.message).not.toContain(answer.error.hint ?? "\0");
});

test("a state that cannot be read is an answer, with what to do", async () => {
  await rig.put("loads/state.json", '{"version": 99}');
  expect(await loader.command({ command: "status" })).toMatchObject({
    ok: false,
    error: { code: "BAD_STATE", message: "loads/state.json cannot be read" },
  });
});
