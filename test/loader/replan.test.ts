import { DeleteObjectCommand } from "@aws-sdk/client-s3";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { BUCKET, type Rig, startRig } from "../local/warehouse-fixture.ts";
import { type Batch, batch, batchOfVersion1, offsets } from "./lake-fixture.ts";
import { LoaderRig, logType, targets } from "./loader-fixture.ts";
import { stateOfVersion1 } from "./state-fixture.ts";

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

const at = (minute: number): Date => new Date(Date.UTC(2026, 10, 21, 10, minute));
const nth = (n: number): Batch =>
  batch({ sequence: [n, n], sources: { a: [[n * 50, n * 50 + 50]] }, foreign: [n], writtenAt: at(n) });
const remove = (Key: string): Promise<unknown> =>
  rig.s3.send(new DeleteObjectCommand({ Bucket: BUCKET, Key }));
const rows = async (): Promise<number[]> =>
  (await loader.rows()).filter(({ _src }) => _src === "a").map(({ _off }) => Number(_off));
const messages = (): string[] => loader.logged.map(({ message }) => message);

/** Plans a load, and stops before it is submitted. */
async function plan(...batches: Batch[]): Promise<void> {
  await loader.commit(...batches);
  loader.diesAt = (step) => step.startsWith("before submit");
  await expect(loader.tick()).rejects.toThrow(/died/);
  loader.diesAt = undefined;
}

describe("a load that was planned and does not fit the lake any more is planned anew", () => {
  test.each(["commits.ndjson", "ranges.ndjson", "rows-zstd.manifest"])(
    "where its %s is gone",
    async (name) => {
      await plan(nth(0), nth(1));
      const key = (await loader.keys("loads/")).find((key) => key.endsWith(name));
      await remove(key!);
      await loader.drain();
      expect(await rows()).toEqual(offsets(0, 100));
      expect(messages()).toContain("the load does not fit the lake: it is planned anew");
    },
  );

  test("where all that loaders wrote is gone", async () => {
    await plan(nth(0), nth(1));
    const state = await loader.state();
    for (const key of await loader.keys("loads/")) await remove(key);
    await rig.put("loads/state.json", JSON.stringify(state));
    await loader.drain();
    expect(await rows()).toEqual(offsets(0, 100));
  });

  test("where its batch was committed once more under another configuration, over the same object", async () => {
    const spec = { sequence: [1, 1] as const, sources: { a: [[0, 50] as const] } };
    const loose = batchOfVersion1({ ...spec, writtenAt: at(0) });
    const strict = batchOfVersion1({ ...spec, rejected: [20], writtenAt: at(1), arrivedAt: at(0) });
    expect(strict.objects[0]!.key).toBe(loose.objects[0]!.key);
    await plan(loose);
    await loader.commit(strict);
    await loader.drain();
    expect(await rows()).toEqual(offsets(0, 50).filter((offset) => offset !== 20));
    expect(await loader.tick()).not.toHaveProperty("refused");
  });

  test("with what could not be read of its interval still set aside, once", async () => {
    const spoilt = nth(1);
    await rig.put(spoilt.commitKey, "{");
    await plan(nth(0), nth(2));
    const key = (await loader.keys("loads/")).find((key) => key.endsWith("ranges.ndjson"));
    await remove(key!);
    await loader.drain();
    expect(await rows()).toEqual([...offsets(0, 50), ...offsets(100, 150)]);
    expect((await loader.state()).tables["logs.photo"]!.setAside).toHaveLength(1);
    await loader.commit(spoilt);
    await loader.settle();
    expect(await rows()).toEqual(offsets(0, 150));
  });

  test("where it is of commits that were set aside before", async () => {
    const spoilt = nth(0);
    await rig.put(spoilt.commitKey, "{");
    await loader.commit(nth(1));
    await loader.drain();
    await plan(spoilt);
    const keys = (await loader.keys("loads/")).filter((key) => key.endsWith("ranges.ndjson"));
    for (const key of keys) await remove(key);
    await loader.drain();
    expect(await rows()).toEqual(offsets(0, 100));
  });

  test("where it is from before there was a log", async () => {
    await plan(nth(0), nth(1));
    const old = stateOfVersion1(await loader.state(), loader.log);
    const key = (await loader.keys("loads/")).find((key) => key.endsWith("ranges.ndjson"));
    await remove(key!);
    await rig.put("loads/state.json", JSON.stringify(old));
    await loader.drain();
    expect(await rows()).toEqual(offsets(0, 100));
  });
});
