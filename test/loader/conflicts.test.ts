import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { LoadEvent } from "../../lambdas/loader/load.ts";
import { rangesTableSql } from "../../lambdas/loader/target.ts";
import { type Rig, startRig } from "../local/warehouse-fixture.ts";
import { type Batch, batch, batchOfVersion1, type BatchSpec } from "./lake-fixture.ts";
import { LoaderRig, logType, targets } from "./loader-fixture.ts";

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

/** Lines of this content, in a batch of their own that arrives in this minute. */
const lines = (content: string, minute: number, more: Partial<BatchSpec> = {}): Batch =>
  batch({
    sequence: [minute, minute],
    sources: { a: [[0, 20]] },
    content,
    fields: { note: content, _host: `host-of-${content}` },
    writtenAt: at(minute),
    ...more,
  });

/** Loads these, and says what was told of them. */
async function load(...batches: readonly Batch[]): Promise<Extract<LoadEvent, { kind: "loaded" }>[]> {
  await loader.commit(...batches);
  const events: LoadEvent[] = [];
  for (let ticks = 0; ticks < 8; ticks++) {
    events.push(...(await loader.tick()).events);
    const open = Object.values((await loader.state()).tables).flatMap(({ load }) => load ?? []);
    for (const { statementId } of open) if (statementId !== undefined) await rig.describe(statementId);
    if (open.length === 0) return events.filter((event) => event.kind === "loaded");
  }
  throw new Error(`still loading: ${JSON.stringify(loader.logged.slice(-3))}`);
}

const conflicts = () =>
  rig.warehouse.query<{ place: string; hosts: string; minutes: string }>(
    `SELECT src || '@' || "off" AS place, other_host || ' ' || host AS hosts,
       extract(minute FROM other_arrived_at) || ' ' || extract(minute FROM arrived_at) AS minutes
     FROM weir.conflicts ORDER BY src, "off", other_arrived_at, arrived_at`,
  );
const places = async (): Promise<string[]> =>
  (await loader.rows()).map(({ _src, _off, note }) => `${_src}@${_off} ${note}`).sort();

describe("two lines of one source and offset with other bytes", () => {
  test("are both kept, recorded with both CRCs, hosts and arrivals, told with an example", async () => {
    expect(await load(lines("one", 0))).toEqual([expect.not.objectContaining({ conflicts: 2 })]);
    const [told] = await load(lines("two", 3));
    expect(await places()).toEqual(["a@0 one", "a@0 two", "a@10 one", "a@10 two"]);
    expect(await conflicts()).toEqual([
      { place: "a@0", hosts: "host-of-one host-of-two", minutes: "0 3" },
      { place: "a@10", hosts: "host-of-one host-of-two", minutes: "0 3" },
    ]);
    const [{ crc, other_crc }] = (await rig.warehouse.query(
      `SELECT crc, other_crc FROM weir.conflicts WHERE "off" = 0`,
    )) as [{ crc: string; other_crc: string }];
    expect(told).toMatchObject({
      rows: 2,
      duplicates: 0,
      conflicts: 2,
      conflict: {
        src: "a",
        off: 0,
        first: { crc: Number(other_crc), host: "host-of-one", arrivedAt: "2026-11-21 10:00:00" },
        second: { crc: Number(crc), host: "host-of-two", arrivedAt: "2026-11-21 10:03:00" },
      },
    });
    expect(crc).not.toBe(other_crc);
    expect(loader.logged.filter(({ message }) => message === "lines claim one place")).toHaveLength(1);
  });

  test("of one load are told as well, each beside the first one at its place", async () => {
    const [told] = await load(lines("one", 0), lines("two", 1), lines("three", 2), lines("two", 3));
    expect(told).toMatchObject({ rows: 6, duplicates: 2, conflicts: 4 });
    expect((await conflicts()).map(({ hosts }) => hosts)).toEqual([
      "host-of-one host-of-two",
      "host-of-one host-of-three",
      "host-of-one host-of-two",
      "host-of-one host-of-three",
    ]);
  });

  test("that come again are duplicates, and are not told again", async () => {
    await load(lines("one", 0), lines("two", 1));
    expect(await load(lines("two", 3), lines("one", 4))).toEqual([
      expect.objectContaining({ rows: 0, duplicates: 4 }),
    ]);
    expect(await conflicts()).toHaveLength(2);
    // The table was emptied, and what is loaded anew comes in another order.
    await rig.warehouse.query(
      `TRUNCATE logs.photo; TRUNCATE ${rangesTableSql(loader.targets[0]!)}; TRUNCATE weir.loads`,
    );
    await rig.put("loads/state.json", JSON.stringify({ version: 1, tables: {} }));
    await load();
    expect(await places()).toEqual(["a@0 one", "a@0 two", "a@10 one", "a@10 two"]);
    expect(await conflicts()).toHaveLength(2);
  });

  test("of foreign records are told by record", async () => {
    const foreign = (content: string, minute: number): Batch =>
      lines(content, minute, { sequence: [1, 9], sources: {}, foreign: [4, 5], arrivedAt: at(minute) });
    await load(foreign("one", 0));
    expect(await load(foreign("one", 1), foreign("two", 2))).toEqual([
      expect.objectContaining({ rows: 2, duplicates: 2, conflicts: 2 }),
    ]);
    expect((await conflicts()).map(({ place }) => place)).toEqual([
      "shardId-000000000000:4@0",
      "shardId-000000000000:5@0",
    ]);
  });

  test("are none where one has no CRC: it is from before there was one, and counts as the same", async () => {
    const spec = { sequence: [1, 1] as const, sources: { a: [[0, 20] as const] }, writtenAt: at(0) };
    await load(batchOfVersion1(spec));
    const [told] = await load(lines("two", 3));
    expect(told).toMatchObject({ rows: 0, duplicates: 2 });
    expect(await conflicts()).toEqual([]);
  });

  test("leave the rows beside them alone, however the ranges lie", async () => {
    await load(lines("one", 0, { sources: { a: [[0, 30]], b: [[0, 50]] } }));
    const [told] = await load(
      lines("two", 3, {
        sources: {
          a: [
            [20, 30],
            [60, 90],
          ],
          c: [[0, 10]],
        },
      }),
      lines("one", 4, { sources: { b: [[40, 70]] } }),
    );
    expect(told).toMatchObject({ rows: 7, duplicates: 1, conflicts: 1 });
    expect(await conflicts()).toEqual([{ place: "a@20", hosts: "host-of-one host-of-two", minutes: "0 3" }]);
  });

  test("are told of a load whose end nobody saw", async () => {
    await load(lines("one", 0));
    await loader.commit(lines("two", 3));
    await loader.tick();
    await rig.describe((await loader.state()).tables["logs.photo"]!.load!.statementId!);
    loader.diesAt = (moment) => moment.startsWith("after submit");
    await expect(loader.tick()).rejects.toThrow("the loader died");
    loader.diesAt = undefined;
    // The Data API has forgotten that it knows this load: it runs again, and the ledger says that it is there.
    hoursLater += 9;
    expect(await load()).toEqual([expect.objectContaining({ conflicts: 2 })]);
    expect(await conflicts()).toHaveLength(2);
  });
});

test("a forged range of any length hides no line: what is there is told by its place and bytes", async () => {
  const forged = lines("forged", 0, { sources: { a: [[10, 20]] } });
  forged.commit.sources[0]!.ranges = [[0, Number.MAX_SAFE_INTEGER]];
  await load(forged);
  const [told] = await load(lines("genuine", 3, { sources: { a: [[0, 40]] } }));
  expect(told).toMatchObject({ rows: 4, duplicates: 0, conflicts: 1 });
  const [next] = await load(lines("genuine", 5, { sources: { a: [[30, 70]] } }));
  expect(next).toMatchObject({ rows: 3, duplicates: 1 });
  expect(await places()).toEqual([
    "a@0 genuine",
    "a@10 forged",
    "a@10 genuine",
    "a@20 genuine",
    "a@30 genuine",
    "a@40 genuine",
    "a@50 genuine",
    "a@60 genuine",
  ]);
});
