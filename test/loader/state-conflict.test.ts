import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { newTable, savedState } from "../../lambdas/loader/state.ts";
import { beginAnewOnConflict } from "../../lambdas/loader/state-conflict.ts";
import { ConditionalS3 } from "../commit-log/conditional-s3.ts";

let storage: ConditionalS3;
let bucket: string;

beforeAll(async () => {
  storage = await ConditionalS3.start();
});
afterAll(() => storage?.[Symbol.asyncDispose]());
beforeEach(() => {
  bucket = storage.newBucket();
});

test("of those that save at the same time, the slower ones begin anew on what the faster ones saved", async () => {
  const names = ["logs.a", "logs.b", "logs.c"];
  const read = names.map(() => Promise.withResolvers<void>());
  await Promise.all(
    names.map((name, i) => {
      const saved = savedState(storage.s3, bucket);
      return beginAnewOnConflict(async () => {
        const state = await saved.read();
        read[i]!.resolve();
        await Promise.all(read.map(({ promise }) => promise));
        await saved.save({ ...state, tables: { ...state.tables, [name]: newTable() } });
      });
    }),
  );
  expect(Object.keys((await savedState(storage.s3, bucket).read()).tables).toSorted()).toEqual(names);
});

test("who loses again and again says so in the end", async () => {
  let runs = 0;
  const losing = beginAnewOnConflict(async () => {
    const [mine, other] = [savedState(storage.s3, bucket), savedState(storage.s3, bucket)];
    const state = await mine.read();
    await other.read();
    await other.save({ ...state, tables: { [`logs.${++runs}`]: newTable() } });
    await mine.save(state);
  });
  await expect(losing).rejects.toMatchObject({ code: "STATE_CONFLICT" });
  expect(runs).toBe(5);
});
