import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { type Rig, startRig } from "../local/warehouse-fixture.ts";
import { type Batch, batch, batchOfVersion1, offsets } from "./lake-fixture.ts";
import { LoaderRig, logType, planned, targets } from "./loader-fixture.ts";

let rig: Rig;
let loader: LoaderRig;
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

const at = (minute: number): Date => new Date(Date.UTC(2026, 10, 21, 10, minute));
const rowsOf = async (): Promise<string[]> =>
  (await loader.rows()).map(({ _src, _off, note }) => `${_src}@${_off} ${note}`);

/** Loads these, each in a load of its own or all in one. */
async function load(batches: readonly Batch[], loads: "one load" | "a load each"): Promise<void> {
  for (const batch of batches) {
    await loader.commit(batch);
    if (loads === "a load each") await loader.drain();
  }
  await loader.drain();
}

describe.each(["one load", "a load each"] as const)("in %s", (loads) => {
  const arrived = { sequence: [1, 9] as const, arrivedAt: at(0) };

  test("a batch that comes again under another configuration is loaded beside the first, and no row twice", async () => {
    const sources = { a: [[0, 50] as const] };
    const loose = batch({ ...arrived, sources, foreign: [3, 4], rejected: [10], fields: { note: "loose" } });
    const strict = batch({
      ...arrived,
      sources,
      foreign: [3, 4],
      rejected: [30],
      fields: { note: "strict" },
      writtenAt: at(2),
    });
    await load([loose, strict], loads);
    const rows = await rowsOf();
    expect(rows.map((row) => row.split(" ")[0])).toEqual([
      ...offsets(0, 50).map((offset) => `a@${offset}`),
      "shardId-000000000000:3@0",
      "shardId-000000000000:4@0",
    ]);
    expect(rows).toContain("a@10 strict");
    expect(rows).toContain("a@30 loose");
  });

  test("lines of one place with other bytes are all kept, each once", async () => {
    const of = (content: string, minute: number): Batch =>
      batch({
        sequence: [minute, minute],
        sources: { a: [[0, 20]] },
        content,
        fields: { note: content },
        writtenAt: at(minute),
      });
    await load([of("one", 0), of("two", 1), of("one", 2), of("two", 3)], loads);
    expect((await rowsOf()).toSorted()).toEqual(["a@0 one", "a@0 two", "a@10 one", "a@10 two"]);
  });

  test("rows of before, which have no _crc, count as the same lines", async () => {
    const spec = { ...arrived, sources: { a: [[0, 30] as const] }, foreign: [5] };
    const old = batchOfVersion1({ ...spec, fields: { note: "old" } });
    const now = batch({ ...spec, sequence: [1, 8], fields: { note: "new" }, writtenAt: at(1) });
    for (const order of [
      [old, now],
      [now, old],
    ]) {
      await loader.reset();
      hoursLater += 9;
      await load(order, loads);
      const note = loads === "one load" || order[0] === now ? "new" : "old";
      expect(await rowsOf()).toEqual([
        ...offsets(0, 30).map((offset) => `a@${offset} ${note}`),
        `shardId-000000000000:5@0 ${note}`,
      ]);
    }
  });
});

test("a source of which some lines claim the same bytes is compared, though nothing else overlaps", () => {
  const [target] = targets(logType("photo"));
  const conflicting = batch({ sequence: [1, 1], sources: { a: [[0, 50]] }, conflicts: 1 });
  expect(planned(target!, [conflicting]).load.path).toBe("slow");
  const ofOthers = batch({ sequence: [1, 1], sources: { a: [[0, 50]] } });
  const sources = [...ofOthers.commit.sources, { ...conflicting.commit.sources[0]!, types: ["user"] }];
  expect(planned(target!, [{ ...ofOthers, commit: { ...ofOthers.commit, sources } }]).load.path).toBe("fast");
});

test("a table and a ledger of the release before gain what they lack, and keep what they know", async () => {
  const [target] = targets(logType("photo"));
  const before = { ...target!, columns: target!.columns.filter(({ name }) => name !== "_crc") };
  loader.targets = [before];
  const old = batchOfVersion1({ sequence: [1, 1], sources: { a: [[0, 50]] }, foreign: [1] });
  await loader.commit(old);
  await loader.drain();
  loader.targets = [target!];
  await loader.commit(
    batch({
      sequence: [1, 2],
      sources: { a: [[30, 80]] },
      foreign: [1, 2],
      writtenAt: at(1),
      arrivedAt: at(0),
    }),
  );
  await loader.drain();
  const rows = await rig.warehouse.query<{ _off: string; has: boolean }>(
    "SELECT _off, _crc IS NOT NULL AS has FROM logs.photo WHERE _src = 'a' ORDER BY _off",
  );
  expect(rows.map(({ _off, has }) => [Number(_off), has])).toEqual(
    offsets(0, 80).map((offset) => [offset, offset >= 50]),
  );
  expect(await loader.rows()).toHaveLength(10);
});

test("origins and batches with names of any length have their rows in the ledger, and stay apart", async () => {
  const origins = ["reparse", "window", "fallback"].map((kind) => `${kind}-${"n".repeat(600)}`);
  const named = [...origins, `${origins[0]!}x`].map((origin, n) => {
    const made = batch({
      sequence: [1, 1],
      sources: { [`s${n}`]: [[0, 10]] },
      foreign: [n],
      writtenAt: at(n),
    });
    return {
      ...made,
      commitKey: made.commitKey.replace("shardId-000000000000", origin),
      commit: {
        ...made.commit,
        origin,
        batchId: made.commit.batchId.replace("shardId-000000000000", origin),
      },
    };
  });
  await loader.commit(...named);
  await loader.drain();
  expect(await loader.rows()).toHaveLength(8);
  const ids = await rig.warehouse.query("SELECT DISTINCT shard_id, batch_id FROM weir.commits");
  expect(ids).toHaveLength(4);
});
