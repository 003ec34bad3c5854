import { PutObjectCommand, DeleteObjectCommand } from "@aws-sdk/client-s3";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import * as z from "zod";
import { SavedState } from "../../lambdas/commit-log/saved-state.ts";
import { ConditionalS3 } from "./conditional-s3.ts";

const schema = z.strictObject({ count: z.int() });
type State = z.output<typeof schema>;

let server: ConditionalS3;
let bucket: string;
beforeAll(async () => {
  server = await ConditionalS3.start();
});
beforeEach(() => {
  bucket = server.newBucket();
});
afterEach(() => {
  server.losesAnswer = () => false;
});
afterAll(() => server[Symbol.asyncDispose]());

const state = (): SavedState<State> =>
  new SavedState<State>({
    s3: server.s3,
    bucket,
    key: "state.json",
    initial: { count: 0 },
    parse: (value) => schema.parse(value),
    hint: "delete it",
  });

test("what was saved is read, and before that what there is at first", async () => {
  const [a, b] = [state(), state()];
  expect(await a.read()).toEqual({ count: 0 });
  await a.save({ count: 1 });
  await a.save({ count: 2 });
  expect(await b.read()).toEqual({ count: 2 });
});

test.each([
  ["nothing was there", 0],
  ["something was there", 1],
])("of two that read the same, the second to save fails and changes nothing: %s", async (_, saves) => {
  const [a, b] = [state(), state()];
  for (let i = 0; i < saves; i++) {
    await a.read();
    await a.save({ count: 7 });
  }
  await a.read();
  await b.read();
  await b.save({ count: 10 });
  await expect(a.save({ count: 20 })).rejects.toMatchObject({ code: "STATE_CONFLICT" });
  expect(await state().read()).toEqual({ count: 10 });
  await a.read();
  await a.save({ count: 20 });
  expect(await state().read()).toEqual({ count: 20 });
});

test("a state that was removed meanwhile is not made again by whoever read it", async () => {
  const a = state();
  await a.read();
  await a.save({ count: 1 });
  await server.s3.send(new DeleteObjectCommand({ Bucket: bucket, Key: "state.json" }));
  await expect(a.save({ count: 2 })).rejects.toMatchObject({ code: "STATE_CONFLICT" });
  expect(await state().read()).toEqual({ count: 0 });
});

test("of many that save at the same time, exactly one does", async () => {
  const states = Array.from({ length: 8 }, state);
  await Promise.all(states.map((state) => state.read()));
  const saves = await Promise.allSettled(states.map((state, count) => state.save({ count })));
  const saved = saves.flatMap(({ status }, i) => (status === "fulfilled" ? i : []));
  expect(saved).toHaveLength(1);
  expect(await state().read()).toEqual({ count: saved[0] });
});

test("a save whose answer was lost is no conflict with itself", async () => {
  const a = state();
  await a.read();
  await a.save({ count: 1 });
  let lost = 0;
  server.losesAnswer = ({ method }) => method === "PUT" && lost++ === 0;
  await a.save({ count: 2 });
  expect(lost).toBeGreaterThan(0);
  await a.save({ count: 3 });
  expect(await state().read()).toEqual({ count: 3 });
});

test("a state that cannot be read is named, with what to do", async () => {
  for (const text of ["{", '{"count":"many"}']) {
    await server.s3.send(new PutObjectCommand({ Bucket: bucket, Key: "state.json", Body: text }));
    await expect(state().read()).rejects.toMatchObject({
      code: "BAD_STATE",
      message: "state.json cannot be read; delete it",
    });
  }
});
