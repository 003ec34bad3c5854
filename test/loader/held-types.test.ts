import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { TICK_LIMITS, type TickReport } from "../../lambdas/loader/tick.ts";
import { type Rig, startRig } from "../local/warehouse-fixture.ts";
import { type Batch, batch, offsets } from "./lake-fixture.ts";
import { LoaderRig, logType, targets } from "./loader-fixture.ts";

type LogType = Parameters<typeof targets>[0];

let rig: Rig;
let loader: LoaderRig;
/** Past the life of the last test's ClientTokens. */
let hoursLater = 0;

beforeAll(async () => {
  rig = await startRig({ now: () => new Date(Date.now() + hoursLater * 3_600_000) });
  loader = new LoaderRig(rig, []);
});
afterAll(() => rig?.[Symbol.asyncDispose]());
beforeEach(async () => {
  await loader.reset();
  loader.targets = targets(logType("photo"));
  hoursLater += 9;
});

const at = (minute: number): Date => new Date(Date.UTC(2026, 10, 21, 10, minute));
/** Five rows, the nth after those before. */
const five = (n: number, type = "photo"): Batch =>
  batch({ sequence: [n, n], sources: { a: [[n * 50, n * 50 + 50]] }, type, writtenAt: at(n) });
/** A type under another name, whose table is still that of photo. */
const renamed = (name: string, ...formerNames: string[]): LogType => ({
  ...logType(name),
  formerNames,
  match: { tags: ["photo"] },
  destinations: [{ to: "s3" }, { to: "redshift", schema: "logs", table: "photo" }],
});
const loaded = async (table?: string): Promise<number[]> =>
  (await loader.rows(table)).map(({ _off }) => Number(_off));
/** Ticks until nothing is left to do. @returns what the last tick says */
async function settle(): Promise<TickReport> {
  for (let ticks = 0; ticks < 4; ticks++) {
    await loader.drain();
    loader.now = new Date(loader.now.getTime() + 300_000);
  }
  return loader.tick();
}
const told = (): object[] =>
  loader.logged.filter(({ message }) => message.includes("nobody knows")).map(({ fields }) => fields);

test("a type that is renamed while commits of the old name wait has all its rows, old and new", async () => {
  await loader.commit(five(0));
  await loader.drain();
  await loader.commit(five(1));
  loader.targets = targets(renamed("picture", "photo"));
  await loader.commit(five(2, "picture"), five(3));
  expect(await settle()).not.toHaveProperty("held");
  expect(await loaded()).toEqual(offsets(0, 200));
});

test("rows of the old name that have no provenance are known when they come again, too", async () => {
  const foreign = (minute: number): Batch =>
    batch({ sequence: [3, 5], foreign: [3, 4, 5], writtenAt: at(minute) });
  loader.targets = targets(renamed("picture", "photo"));
  await loader.commit(foreign(0));
  await loader.drain();
  await loader.commit(foreign(1), five(2));
  await settle();
  expect((await loader.rows()).map(({ _src }) => _src.slice(-2)).toSorted()).toEqual([
    ":3",
    ":4",
    ":5",
    ...Array<string>(5).fill("a"),
  ]);
});

test("without its former name they are held and told, and come once the name is given", async () => {
  await loader.commit(five(0));
  await loader.drain();
  await loader.commit(five(1));
  loader.targets = targets(renamed("picture"));
  await loader.commit(five(2, "picture"), five(3));
  const { events } = await loader.tick();
  expect(events).toContainEqual({ kind: "held", type: "photo", rows: 10, commits: 2 });
  expect((await settle()).held).toEqual([
    { type: "photo", rows: 10, commits: 2, oldestAt: "2026-11-21T10:01:00.000Z" },
  ]);
  expect(told().at(-1)).toMatchObject({ held: [{ type: "photo", rows: 10 }] });
  expect(await loaded()).toEqual([...offsets(0, 50), ...offsets(100, 150)]);
  loader.targets = targets(renamed("image", "picture", "photo"));
  await loader.commit(five(4, "image"));
  const report = await settle();
  expect(report).toMatchObject({ unreadable: 0, lagSeconds: 0 });
  expect(report).not.toHaveProperty("held");
  expect(await loaded()).toEqual(offsets(0, 250));
  const inserted = (await loader.loads()).reduce((sum, load) => sum + Number(load.rows_inserted), 0);
  expect(inserted).toBe(25);
});

test("a type that is gone is held until it is back, in its own table and in another", async () => {
  loader.targets = targets(logType("photo"), logType("user"));
  await loader.commit(five(0));
  await loader.drain();
  loader.targets = targets(logType("user"));
  await loader.commit(five(1));
  expect((await settle()).held).toMatchObject([{ type: "photo", rows: 5 }]);
  loader.targets = targets(logType("photo"), logType("user"));
  expect(await settle()).not.toHaveProperty("held");
  expect(await loaded()).toEqual(offsets(0, 100));
});

test("a table that is behind when its type goes is held from where it stands, not from where others are", async () => {
  loader.targets = targets(logType("photo"), logType("user"));
  loader.limits = { ...TICK_LIMITS, maxCommits: 1 };
  await loader.commit(
    five(0),
    five(1),
    five(2),
    batch({ sequence: [9, 9], sources: { u: [[0, 10]] }, type: "user" }),
  );
  await loader.tick();
  const { tables, held } = await loader.state();
  expect(held!.cursor.segment).toBeGreaterThan(tables["logs.photo"]!.cursor.segment - 1);
  await rig.describe(tables["logs.photo"]!.load!.statementId!);
  loader.targets = targets(logType("user"));
  loader.limits = undefined;
  await loader.tick();
  expect((await loader.tick()).held).toMatchObject([{ type: "photo", rows: 15, commits: 3 }]);
  loader.targets = targets(logType("photo"), logType("user"));
  expect(await settle()).not.toHaveProperty("held");
  expect(await loaded()).toEqual(offsets(0, 150));
});

test("a table that is behind when its type is renamed loses nothing either", async () => {
  loader.limits = { ...TICK_LIMITS, maxCommits: 1 };
  await loader.commit(five(0), five(1), five(2));
  await loader.tick();
  await rig.describe((await loader.state()).tables["logs.photo"]!.load!.statementId!);
  loader.targets = targets(renamed("picture"));
  loader.limits = undefined;
  await loader.commit(five(3, "picture"));
  expect((await settle()).held).toMatchObject([{ type: "photo" }]);
  loader.targets = targets(renamed("picture", "photo"));
  expect(await settle()).not.toHaveProperty("held");
  expect(await loaded()).toEqual(offsets(0, 200));
});

test("a retired type's rows stay in the lake, and how many they are is told", async () => {
  loader.targets = targets(logType("user"));
  await loader.commit(five(0), five(1));
  expect((await settle()).held).toMatchObject([{ type: "photo", rows: 10 }]);
  loader.known = { names: new Set(["user"]), retired: new Set(["photo"]) };
  expect(await settle()).not.toHaveProperty("held");
  const message = "rows of a retired type are not loaded: they stay in the lake";
  expect(loader.logged.filter((one) => one.message === message)).toMatchObject([
    { fields: { type: "photo", rows: 10, commits: 2 } },
  ]);
  await loader.commit(five(2));
  expect(await settle()).not.toHaveProperty("held");
});

test("a type that goes to S3 alone is none that nobody knows, and neither are Weir's own", async () => {
  loader.targets = targets(logType("user"));
  loader.known = { names: new Set(["user", "photo"]), retired: new Set() };
  await loader.commit(five(0), five(1, "_weir.agent"), five(2, "_unrouted"));
  expect(await settle()).not.toHaveProperty("held");
  expect(told()).toEqual([]);
});

test("rows of a commit that could not be read are held, if their type is gone once it can", async () => {
  const spoilt = five(1);
  await loader.commit(five(0));
  await loader.drain();
  await loader.commit(spoilt);
  await rig.put(spoilt.commitKey, "{");
  await loader.drain();
  loader.targets = targets(renamed("picture"));
  await loader.commit(five(2, "picture"));
  await loader.drain();
  await rig.put(spoilt.commitKey, JSON.stringify(spoilt.commit));
  expect((await settle()).held).toMatchObject([{ type: "photo", rows: 5, commits: 1 }]);
  expect(await loaded()).toEqual([...offsets(0, 50), ...offsets(100, 150)]);
  loader.targets = targets(renamed("picture", "photo"));
  const report = await settle();
  expect(report).toMatchObject({ unreadable: 0 });
  expect(report).not.toHaveProperty("held");
  expect(await loaded()).toEqual(offsets(0, 150));
});

test("a state that is lost finds what is held again", async () => {
  await loader.commit(five(0));
  await loader.drain();
  loader.targets = targets(renamed("picture"));
  await loader.commit(five(1), five(2, "picture"));
  await settle();
  await rig.put("loads/state.json", JSON.stringify({ version: 3, tables: {} }));
  expect((await settle()).held).toMatchObject([{ type: "photo", rows: 10 }]);
  loader.targets = targets(renamed("picture", "photo"));
  expect(await settle()).not.toHaveProperty("held");
  expect(await loaded()).toEqual(offsets(0, 150));
});
