import { zstdCompressSync, zstdDecompressSync } from "node:zlib";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { ErasureCondition, ErasurePlan } from "../../wire/erasure.ts";
import { erasureId } from "../../wire/erasure.ts";
import { rejectedKey } from "../../wire/keys.ts";
import { AccessError } from "../../ops/access/access-error.ts";
import { erase, type EraseParts, type Erased, preview, resume } from "../../ops/erase/erase.ts";
import { BUCKET, type Rig, startRig } from "../local/warehouse-fixture.ts";
import { batch } from "../loader/lake-fixture.ts";
import { LoaderRig, logType, targets } from "../loader/loader-fixture.ts";

let rig: Rig;
let loader: LoaderRig;
let hoursLater = 0;
/** What loads wait for before they commit. */
let hold: Promise<void> | undefined;

beforeAll(async () => {
  const now = (): Date => new Date(Date.now() + hoursLater * 3_600_000);
  rig = await startRig({
    beforeCommit: async ({ options }) => (options.name?.startsWith("weir-2") ? hold : undefined),
    now,
  });
  loader = new LoaderRig(rig, []);
});
afterAll(() => rig?.[Symbol.asyncDispose]());
beforeEach(async () => {
  await loader.reset();
  hoursLater += 9;
  hold = undefined;
  random = 0;
  loader.targets = targets(
    logType("photo", [
      { name: "note", type: "varchar(8)" },
      { name: "n", type: "bigint" },
    ]),
  );
});

let random = 0;
/** An hour after what the batches hold arrived. */
const planOf = (condition: Partial<ErasureCondition>, more: Partial<ErasurePlan> = {}): ErasurePlan => {
  const at = new Date(Date.UTC(2026, 10, 21, 11, 0, random));
  const instant = at.toISOString();
  return {
    version: 1,
    id: erasureId(at, "photo", String(++random).padStart(8, "0")),
    type: "photo",
    condition: { where: [], ...condition },
    startedAt: instant,
    arrivedBefore: instant,
    by: "test",
    ...more,
  };
};

const parts = (more: Partial<EraseParts["place"]> = {}): EraseParts => ({
  place: {
    s3: rig.s3,
    bucket: BUCKET,
    invokeLoader: async (command) => {
      const answer = await loader.command(command as never);
      if (!answer.ok) throw new AccessError("REFUSED", answer.error.message);
      return answer as never;
    },
    ...more,
  },
  now: () => new Date(),
  progress: () => undefined,
  maxWaitMs: 10_000,
  waitMs: 20,
});

const values = (column: string, ...values: string[]): Partial<ErasureCondition> => ({
  where: [{ column, values }],
});
const rowsOf = async (): Promise<string[]> =>
  (await loader.rows()).map(({ _src, _off }) => `${_src}@${_off}`);
/** All lines of the lake's objects of a kind. */
const lines = async (prefix = "data/"): Promise<string[]> => {
  const texts = (await loader.keys(prefix)).map(async (key) =>
    zstdDecompressSync(await rig.get(key)).toString(),
  );
  return (await Promise.all(texts)).flatMap((text) => text.split("\n").slice(0, -1));
};
const placesInLake = async (): Promise<string[]> =>
  (await lines())
    .map((line) => JSON.parse(line) as { _src: string; _off: number })
    .map(({ _src, _off }) => `${_src}@${_off}`)
    .sort();

const at = (minute: number): Date => new Date(Date.UTC(2026, 10, 21, 10, minute));
const keep = batch({ sequence: [1, 1], sources: { a: [[0, 20]] }, fields: { note: "keep", n: 1 } });
const drop = batch({
  sequence: [2, 2],
  sources: { a: [[20, 40]] },
  fields: { note: "it's", n: 42 },
  writtenAt: at(1),
});

const rejected = async (data: string, offset: number, encoding = "utf8"): Promise<void> => {
  const line = {
    reason: "unparsed",
    detail: "",
    type: "photo",
    tag: "photo",
    _src: "r",
    _off: offset,
    _crc: offset,
    _host: "h1",
    _arrived_at: "2026-11-21 10:00:00.000",
    encoding,
    data,
  };
  const id = { origin: "shardId-000000000000", firstSequenceNumber: `${offset}`, lastSequenceNumber: "9" };
  const key = rejectedKey("photo", at(0), id, "0123456789abcdef", "zstd");
  await rig.put(key, zstdCompressSync(`${JSON.stringify(line)}\n`));
};

describe("a preview", () => {
  test("says what there is in lake and tables, and changes nothing", async () => {
    await loader.commit(keep, drop);
    await loader.drain();
    const before = await loader.keys("");
    const found = await preview(planOf(values("n", "42")), parts());
    expect(found).toEqual({
      scanned: 2,
      rows: 2,
      rejected: 0,
      objects: 1,
      unreadable: [],
      tables: [{ table: "logs.photo", rows: 2 }],
    });
    expect(await loader.keys("")).toEqual(before);
    expect(await rowsOf()).toHaveLength(4);
  });

  test("counts the lake alone where there is no loader, or no table yet", async () => {
    await loader.commit(drop);
    const without = () => Promise.reject(new AccessError("NO_LOADER", "none"));
    expect(await preview(planOf(values("n", "42")), parts({ invokeLoader: without }))).toMatchObject({
      rows: 2,
      tables: [],
    });
    expect(await preview(planOf(values("n", "42")), parts())).toMatchObject({
      tables: [{ table: "logs.photo" }],
    });
  });
});

describe("an erasure", () => {
  test.each([
    ["a number", values("n", "42")],
    ["a text with a quote", values("note", "it's", "else")],
    ["a text anywhere", { contains: "it's" }],
    ["several columns", { where: [...values("n", "42").where!, ...values("note", "it's").where!] }],
    ["a place", { where: [...values("_src", "a").where!, ...values("_off", "20", "30").where!] }],
  ])("by %s takes those rows out of lake and table, and no others", async (_, condition) => {
    await loader.commit(keep, drop);
    await loader.drain();
    const erased = await erase(planOf(condition), parts());
    expect(erased).toMatchObject({ done: true, record: { rows: 2, objects: 1 }, notRemoved: [] });
    expect(await rowsOf()).toEqual(["a@0", "a@10"]);
    expect(await placesInLake()).toEqual(["a@0", "a@10"]);
    expect(await loader.keys("erasures/open-")).toEqual([]);
  });

  test("leaves what does not fit all of its columns, its time, or arrived later", async () => {
    await loader.commit(keep, drop);
    await loader.drain();
    for (const condition of [
      { where: [...values("n", "42").where!, ...values("note", "keep").where!] },
      { ...values("n", "42"), since: "2026-11-21T10:02:00.000Z" },
      { ...values("n", "42"), until: "2026-11-21T10:01:00.000Z" },
      { ...values("n", "4"), contains: "its" },
    ]) {
      expect(await erase(planOf(condition), parts())).toMatchObject({
        done: true,
        record: { rows: 0, objects: 0 },
      });
    }
    await erase(planOf(values("n", "42"), { arrivedBefore: "2026-11-21T10:01:00.000Z" }), parts());
    expect(await rowsOf()).toHaveLength(4);
    expect(await placesInLake()).toHaveLength(4);
  });

  test("takes rejected lines by a text in them, whatever bytes they have", async () => {
    await rejected("user mia logged in", 10);
    await rejected(Buffer.from([0xff, ...Buffer.from("mia")]).toString("base64"), 20, "base64");
    await rejected("user tom logged in", 30);
    const { record } = await erase(planOf({ contains: "mia" }), parts());
    expect(record).toMatchObject({ rejected: 2, rows: 0, places: 2 });
    expect(await lines("rejected/")).toEqual([expect.stringContaining("tom")]);
    // A configuration that takes them later brings them back as rows, which stay away.
    await loader.drain();
    await loader.erased();
    expect(await rig.warehouse.query('SELECT src, "off" FROM weir.erased_rows ORDER BY "off"')).toEqual([
      { src: "r", off: "10" },
      { src: "r", off: "20" },
    ]);
  });

  test("stays when an agent sends the lines again, in the table at once and in the lake once it is made again", async () => {
    await loader.commit(keep, drop);
    await loader.drain();
    const plan = planOf(values("n", "42"));
    await erase(plan, parts());
    const again = batch({
      sequence: [7, 7],
      sources: { a: [[0, 60]] },
      fields: { note: "it's", n: 42 },
      writtenAt: new Date("2026-11-21T12:00:00Z"),
    });
    await loader.commit(again);
    await loader.drain();
    expect(await rowsOf()).toEqual(["a@0", "a@10", "a@40", "a@50"]);
    const { record } = await erase(
      planOf(plan.condition, { again: plan.id, arrivedBefore: plan.arrivedBefore }),
      parts(),
    );
    expect(record.rows).toBe(2);
    expect(await placesInLake()).toEqual(["a@0", "a@0", "a@10", "a@10", "a@40", "a@50"]);
    await rig.remove("loads/state.json");
    // Another warehouse, which has nothing of this one.
    await rig.warehouse.query("DROP TABLE logs.photo; DROP SCHEMA weir CASCADE; CREATE SCHEMA weir");
    await loader.drain();
    await loader.erased();
    expect(await rowsOf()).toEqual(["a@0", "a@10", "a@40", "a@50"]);
  });

  test("is for lines under the names that the type had before as well", async () => {
    const before = batch({
      sequence: [3, 3],
      sources: { b: [[0, 20]] },
      fields: { n: 42 },
      type: "picture",
      writtenAt: at(2),
    });
    await loader.commit(keep, drop, before);
    loader.targets = loader.targets.map((target) => ({ ...target, formerNames: ["picture"] }));
    const { record } = await erase(planOf(values("n", "42"), { formerNames: ["picture"] }), parts());
    expect(record).toMatchObject({ rows: 4, objects: 2 });
    await loader.drain();
    expect(await rowsOf()).toEqual(["a@0", "a@10"]);
    expect(await placesInLake()).toEqual(["a@0", "a@10"]);
  });

  test("waits for a load that was planned before, so that no object is missed", async () => {
    await loader.commit(keep, drop);
    const { promise, resolve: release } = Promise.withResolvers<void>();
    hold = promise;
    await loader.tick();
    const hurried = { ...parts(), maxWaitMs: 100 };
    const plan = planOf(values("n", "42"));
    const first = await erase(plan, hurried);
    expect(first.done).toBe(false);
    expect(first.tables[0]!.openLoad).toMatch(/^2026/);
    expect(await placesInLake()).toContain("a@20");
    release();
    hold = undefined;
    await loader.drain();
    expect(await resume(plan.id, parts())).toMatchObject({ done: true });
    expect(await rowsOf()).toEqual(["a@0", "a@10"]);
    expect(await placesInLake()).toEqual(["a@0", "a@10"]);
  });

  test("is one at a time of a type, and the other is told which", async () => {
    await loader.commit(drop);
    const plan = planOf(values("n", "42"));
    const stuck = parts({ invokeLoader: () => Promise.reject(new Error("away")) });
    await expect(erase(plan, stuck)).rejects.toThrow("away");
    await expect(erase(planOf(values("n", "1")), parts())).rejects.toMatchObject({
      code: "ERASURE_OPEN",
      hint: `Finish it first: weir erase --resume ${plan.id}`,
    });
    expect(await resume(plan.id, parts())).toMatchObject({ done: true });
    expect(await erase(planOf(values("n", "1")), parts())).toMatchObject({ done: true });
  });

  test("tells objects that it cannot read, leaves them, and does the others", async () => {
    await loader.commit(keep, drop);
    await loader.drain();
    const folder = drop.objects[0]!.key.replace(/[^/]*$/, "");
    await rig.put(`${folder}a-1-1-0123456789abcdef.ndjson.zst`, "no zstd");
    await rig.put(`${folder}b-1-1-0123456789abcdef.ndjson.zst`, zstdCompressSync("{}\n{"));
    await rig.put(`${folder}c-1-1-0123456789abcdef.ndjson.zst`, zstdCompressSync("nothing\n"));
    const { record, done } = await erase(planOf(values("n", "42")), parts());
    expect(done).toBe(true);
    expect(record.rows).toBe(2);
    expect(record.unreadable.map((why) => why.slice(folder.length, folder.length + 2)).sort()).toEqual([
      "a-",
      "b-",
      "c-",
    ]);
    expect(record.unreadable.join("\n")).toMatch(
      /ends within a line[^]*line 1 is no JSON|line 1 is no JSON[^]*ends within a line/,
    );
    expect(await rowsOf()).toEqual(["a@0", "a@10"]);
  });

  test("of what is not there, or was never recorded, is refused", async () => {
    await expect(resume("20261121T110000Z-photo-00000001", parts())).rejects.toMatchObject({
      code: "NO_ERASURE",
    });
    await expect(
      preview(planOf({}, { again: "20261121T110000Z-photo-00000001" }), parts()),
    ).rejects.toMatchObject({
      code: "NO_ERASURE",
    });
    expect(await loader.command({ command: "erase", id: "../state" })).toMatchObject({
      ok: false,
      error: { code: "NO_ERASURE" },
    });
  });
});

test("wherever it dies, nothing else is lost, and it goes on to its end", async () => {
  for (let step = 0; ; step += 5) {
    await loader.reset();
    hoursLater += 9;
    random = 0;
    await loader.commit(keep, drop);
    if (step % 2 === 0) await loader.drain();
    await rejected("it's", 10);
    const plan = planOf({ ...values("n", "42"), contains: "it's" });
    let calls = 0;
    let died = false;
    const mortal = <T extends (...args: never[]) => unknown>(call: T): T =>
      ((...args: never[]) => {
        died ||= calls++ === step;
        if (died) throw new Error("died");
        return call(...args);
      }) as T;
    const { place } = parts();
    const s3 = { send: mortal(rig.s3.send.bind(rig.s3) as (...args: never[]) => unknown) } as never;
    const dying = { ...parts({ s3, invokeLoader: mortal(place.invokeLoader as never) }) };
    const finished = await erase(plan, dying).catch(() => undefined);
    if (!finished) {
      // Whatever was written so far, everything else is there.
      await loader.drain();
      expect((await rowsOf()).filter((row) => row === "a@0" || row === "a@10")).toHaveLength(2);
    }
    let ended: Erased | undefined = finished;
    if (!finished) {
      ended = await resume(plan.id, parts()).catch((error: AccessError) => {
        // It died before it had begun.
        expect(error.code).toBe("NO_ERASURE");
        return erase(plan, parts());
      });
    }
    expect(ended).toMatchObject({ done: true, record: { rows: 2, rejected: 1 } });
    await loader.drain();
    expect(await rowsOf()).toEqual(["a@0", "a@10"]);
    expect(await placesInLake()).toEqual(["a@0", "a@10"]);
    expect(await lines("rejected/")).toEqual([]);
    if (!died) break;
  }
});
