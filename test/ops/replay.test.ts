import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { ReplayCloud } from "./replay-rig.ts";

vi.setConfig({ testTimeout: 60_000, hookTimeout: 120_000 });

let cloud: ReplayCloud;
beforeAll(async () => {
  cloud = await ReplayCloud.start();
});
afterAll(() => cloud[Symbol.asyncDispose]());

const letters = (text: string): string[] => text.split("");

test("batches that were given up are brought in, each record once, and out of the way", async () => {
  const pipe = await cloud.pipe();
  const sequenceNumbers = await pipe.put(letters("abcdefgh"));
  pipe.fault = (texts) => (texts.some((text) => "cdf".includes(text)) ? "AccessDenied" : undefined);
  await pipe.drain({ batchSize: 2 });
  expect(await pipe.lines()).toEqual(letters("abgh"));

  pipe.fault = () => undefined;
  const { ok, json, text } = await pipe.replay({ failed: true });
  expect({ ok, text }).toMatchObject({ ok: true });
  expect(json).toMatchObject({ records: 4, invocations: 2, committed: 0, poison: [], lost: [], refused: [] });
  expect(await pipe.lines()).toEqual(letters("abcdefgh"));
  await pipe.expectRuns(sequenceNumbers);
  expect(await pipe.keys(pipe.failures, "aws/")).toEqual([]);
  expect(await pipe.keys(pipe.failures, "replayed/aws/lambda/")).toHaveLength(2);

  const again = await pipe.replay({ failed: true });
  expect(again).toMatchObject({ ok: true, json: { records: 0, invocations: 0 } });
  const range = await pipe.replay({
    shard: "shardId-000000000000",
    from: { sequence: BigInt(sequenceNumbers[0]!) },
    to: { sequence: BigInt(sequenceNumbers[7]!) },
  });
  expect(range).toMatchObject({ ok: true, json: { records: 0, invocations: 0, committed: 8 } });
});
