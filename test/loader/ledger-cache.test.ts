import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import type { LoadEvent } from "../../lambdas/loader/load.ts";
import type { LoaderState } from "../../lambdas/loader/state.ts";
import { rangesTableSql } from "../../lambdas/loader/target.ts";
import { type Rig, startRig } from "../local/warehouse-fixture.ts";
import { batch, offsets } from "./lake-fixture.ts";
import { LoaderRig, logType, targets } from "./loader-fixture.ts";
import { withoutNumbers } from "./state-fixture.ts";
import { snapshot } from "./warehouse-snapshot.ts";

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

const RANGES = rangesTableSql(targets(logType("photo"))[0]!);
const at = (minute: number): Date => new Date(Date.UTC(2026, 10, 21, 10, minute));
const nth = (n: number): ReturnType<typeof batch> =>
  batch({ sequence: [n, n], sources: { a: [[n * 50, n * 50 + 50]] }, writtenAt: at(n) });

/** Commits the nth batch and loads it, in a load of its own. */
async function load(n: number): Promise<LoadEvent[]> {
  await loader.commit(nth(n));
  return drain();
}

/** As LoaderRig.drain(), with what its ticks told. */
async function drain(): Promise<LoadEvent[]> {
  const events: LoadEvent[] = [];
  for (let ticks = 0; ticks < 20; ticks++) {
    events.push(...(await loader.tick()).events);
    const { load } = (await loader.state()).tables["logs.photo"]!;
    if (load === undefined) return events;
    if (load.statementId !== undefined) await rig.describe(load.statementId);
    loader.now = new Date(loader.now.getTime() + 60_000);
  }
  throw new Error(`still loading: ${JSON.stringify(loader.logged.slice(-3))}`);
}

const rows = async (): Promise<number[]> =>
  (await loader.rows()).filter(({ _src }) => _src === "a").map(({ _off }) => Number(_off));
const paths = async (): Promise<string[]> => (await loader.loads()).map(({ path }) => path);
const kinds = (events: readonly LoadEvent[]): string[] => events.map(({ kind }) => kind);
const putState = (state: object): Promise<void> => rig.put("loads/state.json", JSON.stringify(state));

describe("the state is made anew from the ledger", () => {
  test("where it was removed: nothing is loaded twice, or even compared", async () => {
    await load(0);
    await load(1);
    await putState({ version: 1, tables: {} });
    const events = await load(2);
    expect(kinds(events)).toEqual(["diverged", "loaded"]);
    expect(events[0]).toMatchObject({ ledger: 2, state: 0 });
    expect(await rows()).toEqual(offsets(0, 150));
    expect(await paths()).toEqual(["fast", "fast", "fast"]);
  });

  test("where it is an older one", async () => {
    await load(0);
    const older = await loader.state();
    await load(1);
    await putState(older);
    expect(kinds(await load(2))).toEqual(["diverged", "loaded"]);
    expect(await rows()).toEqual(offsets(0, 150));
    expect(await paths()).toEqual(["fast", "fast", "fast"]);
  });

  test("where the warehouse was restored: what it lost is loaded again, though the state knows of it", async () => {
    await load(0);
    const restore = await snapshot(rig.warehouse);
    await load(1);
    await load(2);
    await restore();
    const events = await load(3);
    expect(events[0]).toMatchObject({ kind: "diverged", ledger: 1, state: 3 });
    expect(await rows()).toEqual(offsets(0, 200));
    expect(loader.logged.map(({ message }) => message)).toContainEqual(
      expect.stringMatching(/^the ledger lacks loads/),
    );
  });

  test("where it was restored while a load was under way", async () => {
    await load(0);
    const restore = await snapshot(rig.warehouse);
    await load(1);
    await loader.commit(nth(2));
    await loader.tick();
    await rig.describe((await loader.state()).tables["logs.photo"]!.load!.statementId!);
    await restore();
    await load(3);
    expect(await rows()).toEqual(offsets(0, 200));
  });

  test("where the ledger alone was restored: what the table has is not there twice", async () => {
    await load(0);
    const restore = await snapshot(rig.warehouse, ["weir"]);
    await load(1);
    await load(2);
    await restore();
    const events = await load(3);
    expect(kinds(events)).toEqual(["diverged", "unknown-rows", "loaded"]);
    expect(await rows()).toEqual(offsets(0, 200));
    expect(kinds(await load(4))).toEqual(["loaded"]);
    expect(await rows()).toEqual(offsets(0, 250));
    expect((await paths()).filter((path) => path === "slow")).toHaveLength(1);
  });

  test("where it was restored to a time before the table had a column", async () => {
    await load(0);
    const restore = await snapshot(rig.warehouse);
    const [before] = loader.targets;
    loader.targets = [
      { ...before!, columns: [...before!.columns, { name: "more", type: "bigint", nullable: true }] },
    ];
    await load(1);
    await restore();
    await load(2);
    loader.targets = [before!];
    expect(await rows()).toEqual(offsets(0, 150));
  });

  test("where another warehouse has its name, which has nothing", async () => {
    await load(0);
    await load(1);
    await rig.warehouse.query("DROP SCHEMA logs CASCADE; DROP SCHEMA weir CASCADE");
    await rig.warehouse.query("CREATE SCHEMA logs; CREATE SCHEMA weir");
    await load(2);
    expect(await rows()).toEqual(offsets(0, 150));
  });

  test("with what could not be read yet, which the ledger remembers", async () => {
    const spoilt = nth(1);
    await loader.commit(nth(0), spoilt, nth(2));
    await rig.put(spoilt.commitKey, "{");
    await loader.drain();
    expect(await rows()).toEqual([...offsets(0, 50), ...offsets(100, 150)]);
    await putState({ version: 1, tables: {} });
    await load(3);
    await loader.commit(spoilt);
    await loader.settle();
    expect(await rows()).toEqual(offsets(0, 200));
    expect((await paths()).filter((path) => path === "slow")).toEqual([]);
  });

  test("and a state of the release before goes on by a ledger that has no numbers", async () => {
    await load(0);
    await withoutNumbers(rig.warehouse);
    const { warehouse: _, tables, ...state } = await loader.state();
    const { last: __, ...table } = tables["logs.photo"]!;
    await putState({ ...state, version: 2, tables: { "logs.photo": table } });
    expect(kinds(await load(1))).toEqual(["loaded"]);
    expect((await loader.state()).tables["logs.photo"]).toMatchObject({ last: { number: 1 } });
    expect(await rows()).toEqual(offsets(0, 100));
  });

  test("but one of a warehouse that has nothing of it does not", async () => {
    await load(0);
    const { warehouse: _, tables, ...state }: LoaderState = await loader.state();
    const { last: __, ...table } = tables["logs.photo"]!;
    await putState({ ...state, version: 2, tables: { "logs.photo": table } });
    await rig.warehouse.query(`TRUNCATE logs.photo, weir.loads, weir.commits, ${RANGES}`);
    await load(1);
    expect(await rows()).toEqual(offsets(0, 100));
  });
});

describe("rows that somebody took out of the table are told, and nothing waits for them", () => {
  test.each([
    ["dropped", "DROP TABLE logs.photo"],
    ["truncated", "TRUNCATE logs.photo"],
    ["emptied", "DELETE FROM logs.photo"],
    [
      "restored from a copy",
      "CREATE TABLE logs.copy AS SELECT * FROM logs.photo WHERE _off < 50; DROP TABLE logs.photo; ALTER TABLE logs.copy RENAME TO photo",
    ],
  ])("where it was %s", async (what, sql) => {
    await load(0);
    await load(1);
    await rig.warehouse.query(sql);
    const events = await load(2);
    expect(kinds(events)).toEqual(["rows-gone", "loaded"]);
    expect(events[0]).toMatchObject({ table: "logs.photo", isMissing: what === "dropped" });
    expect(loader.logged).toContainEqual({
      message: "rows that were loaded are gone from the table",
      fields: expect.objectContaining({ hint: expect.stringContaining("weir loads reload logs.photo") }),
    });
    expect(await rows()).toEqual([
      ...(what.startsWith("restored") ? offsets(0, 50) : []),
      ...offsets(100, 150),
    ]);
    expect(kinds(await load(3))).toEqual(["loaded"]);
  });

  test("but not where old rows were removed, as everybody does after some time", async () => {
    await load(0);
    await load(1);
    await rig.warehouse.query("DELETE FROM logs.photo WHERE _off < 50");
    expect(kinds(await load(2))).toEqual(["loaded"]);
  });

  test("nor where the last load brought nothing but duplicates", async () => {
    await load(0);
    await loader.commit(
      batch({ sequence: [90, 90], sources: { a: [[0, 50]] }, writtenAt: at(20), arrivedAt: at(20) }),
    );
    expect(kinds(await drain())).toEqual(["loaded"]);
    expect(kinds(await load(1))).toEqual(["loaded"]);
  });
});

describe("a table whose ledger is gone has its rows once", () => {
  test.each([
    ["the loads", "DELETE FROM weir.loads"],
    ["all of it", `TRUNCATE weir.loads, weir.commits, ${RANGES}`],
    ["the schema", "DROP SCHEMA weir CASCADE; CREATE SCHEMA weir"],
  ])("%s", async (_, sql) => {
    await loader.commit(nth(0), batch({ sequence: [7, 9], foreign: [7, 8, 9], writtenAt: at(0) }));
    await loader.drain();
    await load(1);
    const before = await loader.rows();
    await rig.warehouse.query(sql);
    const events = await load(2);
    expect(kinds(events)).toContain("unknown-rows");
    expect(await loader.rows()).toHaveLength(before.length + 5);
    expect(await rows()).toEqual(offsets(0, 150));
    expect(kinds(await load(3))).toEqual(["loaded"]);
    expect(await rows()).toEqual(offsets(0, 200));
  });
});

describe("the outcome is read without the comments of statements", () => {
  const answers = async <T>(
    change: (sub: Record<string, unknown>) => object,
    run: () => Promise<T>,
  ): Promise<T> => {
    const real = rig.redshift.send.bind(rig.redshift) as (command: unknown) => Promise<object>;
    const send = vi.spyOn(rig.redshift, "send").mockImplementation((async (command: unknown) => {
      const answer = (await real(command)) as { SubStatements?: Record<string, unknown>[] };
      return { ...answer, ...(answer.SubStatements && { SubStatements: answer.SubStatements.map(change) }) };
    }) as never);
    return run().finally(() => send.mockRestore());
  };

  test.each([
    [
      "which the service leaves out",
      (sub: Record<string, unknown>) => ({
        ...sub,
        QueryString: String(sub["QueryString"]).replace(/^\/\*.*?\*\/ /, ""),
      }),
    ],
    ["nor their texts", (sub: Record<string, unknown>) => ({ ...sub, QueryString: undefined })],
  ])("%s", async (_, change) => {
    await load(0);
    await answers(change, async () => {
      await loader.commit(
        batch({ sequence: [5, 5], sources: { a: [[30, 80]] }, writtenAt: at(5), arrivedAt: at(0) }),
      );
      expect(await drain()).toMatchObject([{ kind: "loaded", rows: 3, duplicates: 2 }]);
      await rig.warehouse.query("DELETE FROM logs.photo");
      expect(kinds(await load(2))).toEqual(["rows-gone", "loaded"]);
      await putState({ version: 1, tables: {} });
      expect(kinds(await load(3))).toEqual(["diverged", "loaded"]);
    });
    expect(await rows()).toEqual(offsets(100, 200));
  });
});
