import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { erasureKey, objectsKey } from "../../wire/erasure.ts";
import { rangesTableSql } from "../../lambdas/loader/target.ts";
import { type Rig, startRig } from "../local/warehouse-fixture.ts";
import { recordErasure } from "./erasure-fixture.ts";
import { batch, batchOfVersion1, offsets } from "./lake-fixture.ts";
import { LoaderRig, logType, targets } from "./loader-fixture.ts";

let rig: Rig;
let loader: LoaderRig;
/** What loads and erasures wait for before they commit. */
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

const at = (minute: number): Date => new Date(Date.UTC(2026, 10, 21, 10, minute));
const offsetsOf = async (source: string): Promise<number[]> =>
  (await loader.rows()).filter(({ _src }) => _src === source).map(({ _off }) => Number(_off));
/** Rows at 10 and 30 of the source a. */
const erased = ({ _src, _off }: { _src: string; _off: number }): boolean =>
  _src === "a" && (_off === 10 || _off === 30);
const first = batch({ sequence: [1, 1], sources: { a: [[0, 50]], b: [[0, 20]] } });

describe("an erasure that the lake records", () => {
  test("is made in the table by the next tick, whether or not there is anything to load", async () => {
    await loader.commit(first);
    await loader.drain();
    const { id } = await recordErasure(rig, { batches: [first], erased });
    await loader.erased();
    expect(await offsetsOf("a")).toEqual([0, 20, 40]);
    expect(await offsetsOf("b")).toEqual([0, 10]);
    expect(await rig.warehouse.query("SELECT erasure_id, target, places FROM weir.erasures")).toEqual([
      { erasure_id: id, target: "logs.photo", places: "2" },
    ]);
    expect(await rig.warehouse.query("SELECT src, off FROM weir.erased_rows ORDER BY off")).toEqual([
      { src: "a", off: "10" },
      { src: "a", off: "30" },
    ]);
    expect(loader.logged).toContainEqual({
      message: "erased",
      fields: { erasure: id, table: "logs.photo", rows: 2 },
    });
  });

  test("keeps the rows away when an agent sends them again, in other pieces", async () => {
    await loader.commit(first);
    await loader.drain();
    await recordErasure(rig, { batches: [first], erased });
    await loader.erased();
    await loader.commit(batch({ sequence: [7, 8], sources: { a: [[10, 80]] }, writtenAt: at(3) }));
    await loader.drain();
    expect(await offsetsOf("a")).toEqual([0, 20, 40, 50, 60, 70]);
    const loaded = loader.logged.findLast(({ message }) => message === "loaded")!;
    expect(loaded.fields).toMatchObject({ rows: 7, inserted: 3, erased: 2, duplicates: 2, path: "slow" });
  });

  test("keeps them away where the ledger of ranges knows nothing of them", async () => {
    await loader.commit(first);
    await loader.drain();
    await recordErasure(rig, { batches: [first], erased });
    await loader.erased();
    await rig.warehouse.query(`DELETE FROM ${rangesTableSql(loader.targets[0]!)}; DELETE FROM logs.photo`);
    await loader.commit(batch({ sequence: [7, 8], sources: { a: [[20, 50]] }, writtenAt: at(3) }));
    await loader.drain();
    expect(await offsetsOf("a")).toEqual([20, 40]);
  });

  test("keeps away a row without provenance, which is known by shard and sequence number", async () => {
    const foreign = batch({ sequence: [5, 7], foreign: [5, 6, 7] });
    await loader.commit(foreign);
    await loader.drain();
    await recordErasure(rig, { batches: [foreign], erased: ({ _src }) => _src.endsWith(":6") });
    await loader.erased();
    await rig.warehouse.query("DELETE FROM weir.commits; DELETE FROM logs.photo");
    await loader.commit(batch({ sequence: [6, 9], foreign: [6, 9], writtenAt: at(3) }));
    await loader.drain();
    expect((await loader.rows()).map(({ _src }) => _src.slice(-2))).toEqual([":9"]);
  });

  test("leaves alone another line at an erased place", async () => {
    await loader.commit(first);
    await loader.drain();
    await recordErasure(rig, { batches: [first], erased });
    await loader.erased();
    await loader.commit(
      batch({ sequence: [7, 7], sources: { a: [[10, 20]] }, content: "other", writtenAt: at(3) }),
    );
    await loader.drain();
    expect(await offsetsOf("a")).toEqual([0, 10, 20, 40]);
  });

  test("is for rows of before there was a _crc by their places", async () => {
    const old = batchOfVersion1({ sequence: [1, 1], sources: { a: [[0, 50]] } });
    await loader.commit(old);
    await loader.drain();
    await recordErasure(rig, { batches: [old], erased });
    await loader.erased();
    await loader.commit(batch({ sequence: [7, 7], sources: { a: [[0, 60]] }, writtenAt: at(3) }));
    await loader.drain();
    expect(await offsetsOf("a")).toEqual([0, 20, 40, 50]);
  });

  test("gives a load what is left of the objects that its commits name", async () => {
    await loader.commit(first);
    await recordErasure(rig, { batches: [first], erased });
    await loader.drain();
    expect(await offsetsOf("a")).toEqual([0, 20, 40]);
    expect(await loader.loads()).toEqual([{ path: "slow", rows_staged: "5", rows_inserted: "5" }]);
    expect((await loader.tick()).events).toEqual([]);
  });

  test("of what an earlier one has left over is followed from one object to the next, to none at last", async () => {
    await loader.commit(first);
    await recordErasure(rig, { batches: [first], erased });
    const left = (await loader.keys("data/")).find((key) => key !== first.objects[0]!.key);
    const body = await rig.get(left!);
    const later = {
      batches: [{ ...first, objects: [{ key: left!, body }] }],
      at: new Date("2026-11-21T13:00:00Z"),
    };
    await recordErasure(rig, { ...later, erased: () => true });
    await loader.drain();
    expect(await loader.rows()).toEqual([]);
    expect(await loader.loads()).toEqual([{ path: "slow", rows_staged: "0", rows_inserted: "0" }]);
  });

  test("holds once the state is deleted, and for a table that begins anew", async () => {
    await loader.commit(first);
    await loader.drain();
    await recordErasure(rig, { batches: [first], erased });
    await loader.erased();
    await rig.remove("loads/state.json");
    await loader.drain();
    expect(await offsetsOf("a")).toEqual([0, 20, 40]);
    const photo = logType("photo");
    loader.targets = targets({
      ...photo,
      destinations: [...photo.destinations!, { to: "redshift", schema: "archive" }],
    });
    await rig.warehouse.query("CREATE SCHEMA archive");
    await loader.erased();
    await loader.drain();
    expect(
      await rig.warehouse.query("SELECT _off FROM archive.photo WHERE _src = 'a' ORDER BY _off"),
    ).toEqual([0, 20, 40].map((offset) => ({ _off: `${offset}` })));
    await rig.warehouse.query("DROP SCHEMA archive CASCADE");
  });

  test("is made again in a warehouse that was restored to before it", async () => {
    await loader.commit(first);
    await loader.drain();
    await rig.warehouse.query("CREATE TABLE weir.snapshot AS SELECT * FROM logs.photo");
    await recordErasure(rig, { batches: [first], erased });
    await loader.erased();
    await rig.warehouse.query(
      "DELETE FROM weir.erasures; DELETE FROM weir.erased_rows; DELETE FROM logs.photo; INSERT INTO logs.photo SELECT * FROM weir.snapshot",
    );
    await loader.commit(batch({ sequence: [7, 8], sources: { a: [[30, 80]] }, writtenAt: at(3) }));
    await loader.drain();
    await loader.erased();
    expect(await offsetsOf("a")).toEqual([0, 20, 40, 50, 60, 70]);
  });

  test("erases what the condition is for from a table whose rows the lake has no more", async () => {
    await loader.commit(
      batch({ sequence: [1, 1], sources: { a: [[0, 30]] }, fields: { note: "it's 42" } }),
      batch({ sequence: [2, 2], sources: { a: [[30, 50]] }, fields: { note: "x" } }),
    );
    await loader.drain();
    await recordErasure(rig, { where: [{ column: "note", values: ["it's 42"] }] });
    await loader.erased();
    expect(await offsetsOf("a")).toEqual([30, 40]);
    await loader.commit(
      batch({ sequence: [7, 7], sources: { a: [[0, 30]] }, fields: { note: "it's 42" }, writtenAt: at(3) }),
      // Somebody who was forgotten may come back.
      batch({ sequence: [8, 8], sources: { a: [[50, 60]] }, fields: { note: "it's 42" }, writtenAt: at(3) }),
    );
    await loader.drain();
    expect(await offsetsOf("a")).toEqual([30, 40, 50]);
  });
});

test.each(["a tick", "whoever asks"])(
  "under a new name of its type, an erasure is found by %s",
  async (who) => {
    await loader.commit(first);
    await loader.drain();
    await recordErasure(rig, { batches: [first], erased });
    await loader.erased();
    loader.targets = targets({
      ...logType("picture"),
      destinations: [{ to: "redshift", schema: "logs", table: "photo" }],
    });
    const second = batch({ sequence: [2, 2], sources: { a: [[50, 80]] }, type: "picture", writtenAt: at(3) });
    if (who === "a tick") await loader.commit(second);
    await loader.drain();
    const { id } = await recordErasure(rig, {
      type: "picture",
      batches: [second],
      erased: ({ _off }) => _off === 60,
    });
    if (who === "a tick") await loader.erased();
    else {
      const told = { ok: true, tables: [{ table: "logs.photo", condition: "erasing" }] };
      expect(await loader.command({ command: "erase", id })).toEqual(told);
      await loader.commit(second);
      await loader.erased();
      await loader.drain();
    }
    expect(await offsetsOf("a")).toEqual([0, 20, 40, 50, 70]);
  },
);

test("a load that was planned before, and runs after, leaves out what was erased", async () => {
  await loader.commit(first);
  const { promise, resolve: release } = Promise.withResolvers<void>();
  hold = promise;
  await loader.tick();
  await recordErasure(rig, { batches: [first], erased, keepsObjects: true });
  await loader.tick();
  release();
  await loader.drain();
  await loader.erased();
  expect(await offsetsOf("a")).toEqual([0, 20, 40]);
});

test("a table is loaded while its erasure fails, which is told and tried again", async () => {
  await loader.commit(first);
  await loader.drain();
  const { id } = await recordErasure(rig, { batches: [first], erased });
  const places = `erasures/${id}/places/dt=2026-11-21.ndjson.zst`;
  const body = await rig.get(places);
  await rig.remove(places);
  await loader.commit(batch({ sequence: [9, 9], sources: { c: [[0, 20]] }, writtenAt: at(3) }));
  await loader.drain();
  expect(await offsetsOf("c")).toEqual([0, 10]);
  expect(loader.logged.map(({ message }) => message)).toContain("erasing failed");
  await rig.put(places, body);
  loader.now = new Date(loader.now.getTime() + 2 * 3_600_000);
  await loader.erased();
  expect(await offsetsOf("a")).toEqual([0, 20, 40]);
});

test("an erasure that cannot be read keeps no other table waiting", async () => {
  loader.targets = targets(logType("photo"), logType("user"));
  const user = batch({ sequence: [2, 2], sources: { u: [[0, 20]] }, type: "user" });
  await loader.commit(first, user);
  const { id } = await recordErasure(rig, { batches: [first], erased });
  await rig.put(objectsKey(id, "2026-11-21"), "spoilt");
  await loader.tick().catch(() => undefined);
  await loader.tick().catch(() => undefined);
  await loader.drain().catch(() => undefined);
  expect(await loader.rows("user")).toHaveLength(2);
  expect(loader.logged.map(({ message }) => message)).toContain("commits cannot be read");
  await rig.put(erasureKey(id), "{}");
  await loader.tick();
});

test("wherever the loader dies, an erasure is made once, and nothing else is lost", async () => {
  for (let step = 0; ; step += 5) {
    await loader.reset();
    hoursLater += 9;
    await loader.commit(first);
    await loader.drain();
    await recordErasure(rig, { batches: [first], erased });
    await loader.commit(batch({ sequence: [7, 8], sources: { a: [[30, 80]] }, writtenAt: at(3) }));
    let calls = 0;
    let died = false;
    loader.diesAt = () => (died ||= calls++ === step);
    await loader.tick().catch((error: Error) => expect(error.message).toMatch(/died/));
    loader.diesAt = undefined;
    await loader.drain();
    await loader.erased();
    expect(await offsetsOf("a")).toEqual(offsets(0, 80).filter((offset) => offset !== 10 && offset !== 30));
    expect(await rig.warehouse.query("SELECT count(*) AS n FROM weir.erasures")).toEqual([{ n: "1" }]);
    if (!died) break;
  }
});
