import fc from "fast-check";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { mergedRanges } from "../../lambdas/loader/ledger/ranges-sql.ts";
import { rangesTableSql } from "../../lambdas/loader/target.ts";
import { type Range, RangeSet } from "../../wire/ranges.ts";
import { type Rig, startRig } from "../local/warehouse-fixture.ts";
import { batch, type BatchSpec, offsets } from "./lake-fixture.ts";
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

const RANGES = rangesTableSql(targets(logType("photo"))[0]!);
const at = (minute: number): Date => new Date(Date.UTC(2026, 10, 21, 10, minute));

/** Commits a batch that arrived at this minute, and loads it. */
async function load(minute: number, spec: Partial<BatchSpec>): Promise<void> {
  const when = at(minute);
  await loader.commit(batch({ sequence: [minute, minute], writtenAt: when, arrivedAt: when, ...spec }));
  loader.now = new Date(Math.max(loader.now.getTime(), when.getTime()) + 60_000);
  await loader.drain();
}

const ranges = async (src = "a"): Promise<Range[]> => {
  const rows = await rig.warehouse.query<{ from_off: string; to_off: string }>(
    `SELECT from_off, to_off FROM ${RANGES} WHERE src = '${src}' ORDER BY from_off`,
  );
  return rows.map(({ from_off, to_off }) => [Number(from_off), Number(to_off)]);
};
const paths = async (): Promise<string[]> =>
  (await rig.warehouse.query<{ path: string }>("SELECT path FROM weir.loads ORDER BY number")).map(
    ({ path }) => path,
  );
const rows = async (): Promise<number[]> => (await loader.rows()).map(({ _off }) => Number(_off));

describe("the ledger's ranges of a source", () => {
  test("that is read on and on are two, of which the young one spans two hours", async () => {
    for (let n = 0; n < 12; n++) await load(n * 25, { sources: { a: [[n * 10, n * 10 + 10]] } });
    expect((await ranges()).length).toBeLessThanOrEqual(2);
    expect(RangeSet.of(await ranges()).toArray()).toEqual([[0, 120]]);
    const [young] = await rig.warehouse.query<{ minutes: string }>(
      `SELECT extract(epoch FROM max(arrived_to) - min(arrived_from)) / 60 AS minutes FROM ${RANGES}
WHERE from_off = (SELECT max(from_off) FROM ${RANGES})`,
    );
    expect(Number(young!.minutes)).toBeLessThanOrEqual(120);
    expect(new Set(await paths())).toEqual(new Set(["fast"]));
  });

  test("keep a hole as long as it is young: what fills it in time is not even compared", async () => {
    await load(0, { sources: { a: [[0, 10]] } });
    await load(5, { sources: { a: [[20, 30]] } });
    await load(10, { sources: { a: [[10, 20]] } });
    expect(await ranges()).toEqual([[0, 30]]);
    expect(await paths()).toEqual(["fast", "fast", "fast"]);
  });

  test("take an old hole for loaded: what fills it is compared, and is there", async () => {
    await load(0, { sources: { a: [[0, 10]] } });
    await load(5, { sources: { a: [[20, 30]] } });
    await load(300, { sources: { a: [[30, 40]] } });
    expect(await ranges()).toEqual([
      [0, 30],
      [30, 40],
    ]);
    await load(310, { sources: { a: [[10, 20]] } });
    expect(await rows()).toEqual(offsets(0, 40));
    expect((await paths()).at(-1)).toBe("slow");
  });

  test("find what comes again hours later, old or young", async () => {
    for (let n = 0; n < 6; n++) await load(n * 60, { sources: { a: [[n * 10, n * 10 + 10]] } });
    await load(400, { sources: { a: [[0, 60]] }, sequence: [400, 400] });
    await load(401, { sources: { a: [[40, 70]] }, sequence: [401, 401] });
    expect(await rows()).toEqual(offsets(0, 70));
  });

  test("are forgotten once nothing has come for as long as the configuration says, and not before", async () => {
    await load(0, { sources: { idle: [[0, 10]], a: [[0, 10]] } });
    const days = loader.targets[0]!.ledgerDays;
    await rig.warehouse.query(`UPDATE ${RANGES} SET loaded_at = loaded_at - INTERVAL '${days - 1} days'`);
    await load(1, { sources: { a: [[10, 20]] } });
    expect(await ranges("idle")).toEqual([[0, 10]]);
    await rig.warehouse.query(
      `UPDATE ${RANGES} SET loaded_at = loaded_at - INTERVAL '2 days' WHERE src = 'idle'`,
    );
    await load(2, { sources: { a: [[20, 30]] } });
    expect(await ranges("idle")).toEqual([]);
    expect(await ranges()).toEqual([[0, 30]]);
  });
});

test("rows that arrived before the time that the ledger remembers are loaded, and told", async () => {
  const told = "rows arrived before the time that the ledger remembers";
  await load(0, { sources: { a: [[0, 10]] } });
  expect(loader.logged.map(({ message }) => message)).not.toContain(told);
  await load(1, { sources: { b: [[0, 10]] }, arrivedAt: new Date("2026-08-01T00:00:00Z") });
  expect(loader.logged.map(({ message }) => message)).toContain(told);
  expect(await loader.rows()).toHaveLength(2);
});

test("merged ranges have every byte that was in them, and none of the young that was not", async () => {
  const range = fc.tuple(fc.nat(30), fc.integer({ min: 1, max: 8 }), fc.nat(300));
  await fc.assert(
    fc.asyncProperty(fc.array(range, { minLength: 1, maxLength: 8 }), async (known) => {
      const values = known.map(
        ([from, length, minute]) =>
          `('a', ${from}, ${from + length}, TIMESTAMP '2026-11-21 00:00' + INTERVAL '${minute} minutes', TIMESTAMP '2026-11-21 00:00' + INTERVAL '${minute + 1} minutes', TIMESTAMP '2026-11-21 00:00')`,
      );
      const all = `SELECT * FROM (VALUES ${values.join(", ")}) r (src, from_off, to_off, arrived_from, arrived_to, loaded_at)`;
      const merged = await rig.warehouse.query<Record<"from_off" | "to_off" | "minute", string>>(
        `SELECT from_off, to_off, extract(epoch FROM arrived_from - TIMESTAMP '2026-11-21 00:00') / 60 AS minute FROM (${mergedRanges(all)}) m`,
      );
      const after = RangeSet.of(merged.map(({ from_off, to_off }) => [Number(from_off), Number(to_off)]));
      for (const [from, length] of known) expect(after.covers(from, from + length)).toBe(true);
      const cutoff = Math.max(...known.map(([, , minute]) => minute + 1)) - 120;
      const young = RangeSet.of(
        known.filter(([, , minute]) => minute >= cutoff).map(([from, length]) => [from, from + length]),
      );
      const kept = merged.filter(({ minute }) => Number(minute) >= cutoff);
      expect(
        RangeSet.of(kept.map(({ from_off, to_off }) => [Number(from_off), Number(to_off)])).toArray(),
      ).toEqual(young.toArray());
      expect(merged.length - kept.length).toBeLessThanOrEqual(1);
    }),
    { numRuns: 100 },
  );
});

describe("the ledger's commits", () => {
  const commits = (): Promise<object[]> =>
    rig.warehouse.query("SELECT shard_id, foreign_rows FROM weir.commits ORDER BY shard_id, first_seq");

  test("are those with foreign rows, and of old ones one for each shard", async () => {
    for (let n = 0; n < 6; n++)
      await load(n * 60, { foreign: [n * 60], sources: { a: [[n * 10, n * 10 + 10]] } });
    await load(361, { sources: { a: [[60, 70]] } });
    expect(await commits()).toHaveLength(4);
    await load(362, { foreign: [60], sequence: [59, 61] });
    expect(await loader.rows()).toHaveLength(13);
  });

  test("of a shard that ended long ago are forgotten", async () => {
    await load(0, { shard: 1, foreign: [0] });
    const days = loader.targets[0]!.ledgerDays + 1;
    await rig.warehouse.query(`UPDATE weir.commits SET loaded_at = loaded_at - INTERVAL '${days} days'`);
    await load(300, { shard: 2, foreign: [1] });
    expect(await commits()).toEqual([{ shard_id: "shardId-000000000002", foreign_rows: "1" }]);
  });
});

test("a ledger of one table for the ranges of all is taken over, each target's by the target", async () => {
  loader.targets = targets(logType("photo"), logType("user"));
  await loader.commit(
    batch({ sequence: [1, 1], sources: { a: [[0, 50]] }, foreign: [1] }),
    batch({ sequence: [2, 2], sources: { u: [[0, 50]] }, type: "user" }),
  );
  await loader.drain();
  // As the release before would have left it.
  const [photo, user] = loader.targets.map(rangesTableSql);
  await rig.warehouse.query(`CREATE TABLE weir.ranges (
    load_id varchar(200) NOT NULL, target varchar(127) NOT NULL, src varchar(160) NOT NULL,
    from_off bigint NOT NULL, to_off bigint NOT NULL, arrived_from timestamp NOT NULL, arrived_to timestamp NOT NULL)`);
  for (const [table, target] of [
    [photo, "logs.photo"],
    [user, "logs.user"],
  ]) {
    await rig.warehouse.query(
      `INSERT INTO weir.ranges SELECT 'old', '${target}', src, from_off, to_off, arrived_from, arrived_to FROM ${table}`,
    );
  }
  await rig.warehouse.query(
    "INSERT INTO weir.commits SELECT load_id, target, 'none', shard_id, '0', '0', 1, 0, arrived_from, arrived_to FROM weir.commits",
  );
  await rig.warehouse.query(`DROP TABLE ${photo}; DROP TABLE ${user}`);
  const { tables, ...state } = await loader.state();
  for (const table of Object.values(tables)) delete table.prepared;
  await rig.put("loads/state.json", JSON.stringify({ ...state, tables }));
  await loader.commit(
    batch({ sequence: [3, 3], sources: { a: [[30, 80]] }, writtenAt: at(1), arrivedAt: at(0) }),
    batch({ sequence: [4, 4], sources: { u: [[30, 80]] }, writtenAt: at(1), arrivedAt: at(0), type: "user" }),
  );
  await loader.drain();
  expect((await loader.rows()).filter(({ _src }) => _src === "a")).toHaveLength(8);
  expect(await loader.rows("user")).toHaveLength(8);
  expect(await ranges()).toEqual([[0, 80]]);
  expect(await rig.warehouse.query("SELECT target FROM weir.ranges")).toEqual([]);
  expect(await rig.warehouse.query("SELECT foreign_rows FROM weir.commits")).toEqual([{ foreign_rows: "1" }]);
});
