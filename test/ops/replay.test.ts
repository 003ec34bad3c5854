import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { ReplayCloud } from "./replay-rig.ts";

let cloud: ReplayCloud;
let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "weir-replay-files-"));
  cloud = await ReplayCloud.start();
});
afterAll(async () => {
  await cloud[Symbol.asyncDispose]();
  await rm(dir, { recursive: true });
});

const withoutPayload = (record: Record<string, unknown>): Record<string, unknown> => {
  const { payload, ...metadata } = record;
  expect(payload).toBeTypeOf("string");
  return metadata;
};

const EXPIRED = "ExpiredIteratorException";
const letters = (text: string): string[] => text.split("");

test.concurrent("batches that were given up are brought in, each record once, and out of the way", async () => {
  const pipe = await cloud.pipe();
  const sequenceNumbers = await pipe.put(letters("abcdefgh"));
  pipe.fault = (texts) => (texts.some((text) => "cdf".includes(text)) ? "AccessDenied" : undefined);
  await pipe.drain({ batchSize: 2 });
  expect(await pipe.lines()).toEqual(letters("abgh"));

  pipe.fault = () => undefined;
  const plan = await pipe.plan({ failed: true, dryRun: true });
  expect(plan).toMatchObject({
    ok: true,
    json: { shards: [{ failures: 2, records: 4, bytes: 4, committed: 0 }] },
  });
  expect(plan.text).toMatch(/shardId-000000000000 +2 +0 +4 +4 B +\d+ s +23 h 59 min\nNothing was replayed/);
  await expect(pipe.plan({ failed: true })).rejects.toThrow("nobody is at a terminal");
  expect(await pipe.lines()).toEqual(letters("abgh"));

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

test.concurrent("a range goes over parents and children of its shard, and leaves out what is committed", async () => {
  const pipe = await cloud.pipe();
  const high = 2n ** 127n;
  const before = await pipe.put(letters("abcd"));
  pipe.fault = (texts) => (texts.some((text) => "bBy".includes(text)) ? "AccessDenied" : undefined);
  await pipe.split("shardId-000000000000", high);
  const low = await pipe.put(letters("ABC"));
  const upper = await pipe.put(letters("xyz"), high);
  await pipe.drain({ batchSize: 1 });
  expect(await pipe.lines()).toEqual(letters("ACacdxz"));

  pipe.fault = () => undefined;
  const range = { from: { sequence: BigInt(before[0]!) }, to: { sequence: BigInt(low[2]!) } };
  // The other child is none of its family.
  expect(await pipe.replay({ shard: "shardId-000000000001", ...range })).toMatchObject({
    ok: true,
    json: { records: 2, committed: 5, lost: [] },
  });
  expect(await pipe.lines()).toEqual(letters("ABCabcdxz"));
  // Of all shards, by time.
  const byTime = { from: { at: new Date(Date.now() - 600_000) }, to: { at: new Date() } };
  expect(await pipe.replay(byTime)).toMatchObject({ ok: true, json: { records: 1, committed: 9 } });
  expect(await pipe.lines()).toEqual(letters("ABCabcdxyz"));
  await pipe.expectRuns(before);
  await pipe.expectRuns(low, "shardId-000000000001");
  await pipe.expectRuns(upper, "shardId-000000000002");
});

test.concurrent("records that no failure record brings along are read from the stream", async () => {
  const pipe = await cloud.pipe();
  const sequenceNumbers = await pipe.put(letters("abcdefgh"));
  pipe.fault = (texts) => (texts.some((text) => "bcefh".includes(text)) ? "AccessDenied" : undefined);
  await pipe.drain({ batchSize: 2 });
  pipe.fault = () => undefined;
  const records = Object.values(await pipe.failureRecords()).map(withoutPayload);
  const [first, second, third, fourth] = records as [object, object, object, object];
  // As SQS has them, as SNS has them in SQS, as a Lambda function gets them, and through a consumer.
  const ofConsumer = structuredClone(fourth) as { KinesisBatchInfo: { streamArn: string } };
  ofConsumer.KinesisBatchInfo.streamArn += "/consumer/c:1";
  const file = join(dir, "messages.json");
  const sns = JSON.stringify({ Type: "Notification", Message: JSON.stringify(second) });
  await writeFile(
    file,
    `${JSON.stringify({ Messages: [{ Body: JSON.stringify(first) }, { Body: sns }] })}\n${JSON.stringify({ Records: [{ body: JSON.stringify(third) }] })}\n${JSON.stringify(ofConsumer)}\n`,
  );
  expect(await pipe.replay({ record: [file] })).toMatchObject({ ok: true, json: { refused: [], lost: [] } });
  expect(await pipe.lines()).toEqual(letters("abcdefgh"));
  await pipe.expectRuns(sequenceNumbers);
  // Objects are told to be in the lake as well, and make way.
  expect(await pipe.replay({ failed: true, done: "remove" })).toMatchObject({
    ok: true,
    json: { records: 0, committed: 8 },
  });
  expect(await pipe.keys(pipe.failures)).toEqual([]);
});

test.concurrent("what is past retention is named, and fails", async () => {
  const pipe = await cloud.pipe();
  await pipe.put(letters("ab"));
  pipe.fault = () => "AccessDenied";
  await pipe.drain();
  pipe.fault = () => undefined;
  const [[key, whole]] = Object.entries(await pipe.failureRecords()) as [[string, Record<string, unknown>]];
  const record = withoutPayload(whole);
  const info = record["KinesisBatchInfo"] as Record<string, string>;
  // One that came before anything that the stream still has.
  const first = `${BigInt(info["startSequenceNumber"]!) - 1_000_000n}`;
  const older = {
    ...info,
    startSequenceNumber: first,
    batchSize: 5,
    endSequenceNumber: info["startSequenceNumber"],
  };
  const trimmed = await pipe.putFailure("older", { ...record, KinesisBatchInfo: older });
  const { ok, json, text } = await pipe.replay({ object: [trimmed] });
  expect(ok).toBe(false);
  expect(json).toMatchObject({
    records: 1,
    lost: [{ shardId: "shardId-000000000000", from: first, records: 4, object: trimmed }],
  });
  expect(text).toMatch(
    /LOST: shardId-000000000000: 4 records from \d+ to \d+, arrived from .* past the stream's retention/,
  );
  expect(await pipe.lines()).toEqual(["a"]);
  expect(await pipe.keys(pipe.failures)).toContain(trimmed);
  // A shard that is gone has taken all of its records with it.
  const gone = { ...info, shardId: "shardId-000000000009" };
  const ofGone = await pipe.putFailure("gone", { ...record, KinesisBatchInfo: gone });
  expect(await pipe.replay({ object: [ofGone] })).toMatchObject({
    ok: false,
    json: { lost: [{ shardId: "shardId-000000000009", records: 2 }] },
  });
  // What the object itself has is not lost, however old.
  expect(await pipe.replay({ object: [key] })).toMatchObject({ ok: true });
  expect(await pipe.lines()).toEqual(["a", "b"]);
});

test.concurrent("a record that the router always fails on is named, and the others go through", async () => {
  const pipe = await cloud.pipe();
  const sequenceNumbers = await pipe.put(letters("abcdefgh"));
  pipe.fault = () => "AccessDenied";
  await pipe.drain();
  pipe.fault = (texts) => (texts.includes("e") ? "it chokes" : undefined);
  const { ok, json, text } = await pipe.replay({ failed: true });
  expect(ok).toBe(false);
  const poison = { shardId: "shardId-000000000000", sequenceNumber: sequenceNumbers[4], error: "it chokes" };
  expect(json).toMatchObject({ records: 7, poison: [poison], objects: { left: [expect.any(String)] } });
  expect(text).toContain(`the router fails on shardId-000000000000 ${sequenceNumbers[4]}, 1 B: it chokes`);
  expect(await pipe.lines()).toEqual(letters("abcdfgh"));
  await pipe.expectRuns(sequenceNumbers);
  // Its object is only partly done, and stays.
  expect(await pipe.keys(pipe.failures, "replayed/")).toEqual([]);
  pipe.fault = () => undefined;
  expect(await pipe.replay({ failed: true })).toMatchObject({ ok: true, json: { records: 1, committed: 7 } });
  expect(await pipe.lines()).toEqual(letters("abcdefgh"));
});

test.concurrent("a replay that died goes on where it was, also where an answer was lost", async () => {
  const pipe = await cloud.pipe();
  const sequenceNumbers = await pipe.put(letters("abcdef"));
  pipe.fault = () => "AccessDenied";
  await pipe.drain({ batchSize: 2 });
  pipe.fault = () => undefined;
  pipe.loseAnswerOf = "c";
  await expect(pipe.replay({ failed: true })).rejects.toThrow("the answer is lost");
  expect(await pipe.lines()).toEqual(letters("abcd"));
  pipe.invoked.length = 0;
  expect(await pipe.replay({ failed: true })).toMatchObject({ ok: true, json: { records: 2 } });
  expect(pipe.invoked).toEqual([["e", "f"]]);
  expect(await pipe.lines()).toEqual(letters("abcdef"));
  expect(await pipe.keys(pipe.failures, "aws/")).toEqual([]);
  await pipe.expectRuns(sequenceNumbers);
});

test.concurrent("two operators at once bring each record in once", async () => {
  const pipe = await cloud.pipe(2);
  const texts = Array.from({ length: 40 }, (_, i) => `${i}`.padStart(2, "0"));
  await pipe.put(texts.slice(0, 20));
  await pipe.put(texts.slice(20), 2n ** 128n - 1n);
  pipe.fault = () => "AccessDenied";
  await pipe.drain({ batchSize: 5 });
  pipe.fault = () => undefined;
  const outcomes = await Promise.all([pipe.replay({ failed: true }), pipe.replay({ failed: true })]);
  // What one of them has moved away, the other finds gone: it has nothing to do with it.
  for (const { ok, json } of outcomes) {
    expect(ok).toBe(true);
    expect(json).toMatchObject({ poison: [], lost: [], refused: [] });
  }
  const batches = new Set((await pipe.commits()).map(({ batchId }) => batchId));
  expect(batches.size).toBe(8);
  expect(new Set(await pipe.lines())).toEqual(new Set(texts));
  expect(await pipe.keys(pipe.failures, "aws/")).toEqual([]);
});

test.concurrent("what is no failure record of this pipeline is refused by name, and the others go on", async () => {
  const pipe = await cloud.pipe();
  await pipe.put(letters("ab"));
  pipe.fault = () => "AccessDenied";
  await pipe.drain({ batchSize: 1 });
  pipe.fault = () => undefined;
  const [[key, record]] = Object.entries(await pipe.failureRecords()) as [[string, Record<string, object>]];
  const text = JSON.stringify(record);
  const stranger = { ...record["KinesisBatchInfo"], streamArn: `${pipe.streamArn}-2` };
  const names = {
    cut: await pipe.putFailure("cut", text.slice(0, 200)),
    empty: await pipe.putFailure("empty", ""),
    other: await pipe.putFailure("other", { hello: 1 }),
    stream: await pipe.putFailure("stream", { ...record, KinesisBatchInfo: stranger }),
    function: await pipe.putFailure("function", {
      ...record,
      requestContext: { ...record["requestContext"], functionArn: "arn:aws:lambda:us-east-1:1:function:x" },
    }),
    // Its head says which records it is about: the stream has them.
    payload: await pipe.putFailure("payload", text.slice(0, -20)),
  };
  const outcome = await pipe.replay({ failed: true });
  expect(outcome.ok).toBe(false);
  const { refused, notes } = outcome.json as { refused: { name: string; why: string }[]; notes: string[] };
  expect(Object.fromEntries(refused.map(({ name, why }) => [name, why]))).toEqual({
    [names.cut]: expect.stringContaining("no JSON, or cut off"),
    [names.empty]: expect.stringContaining("no JSON, or cut off"),
    [names.other]: expect.stringContaining("requestContext"),
    [names.stream]: `it is of ${pipe.streamArn}-2, not of ${pipe.streamArn}`,
    [names.function]: expect.stringContaining("arn:aws:lambda:us-east-1:1:function:x"),
  });
  expect(notes.join()).toMatch(/payload.*cut off; read from the stream instead|^$/);
  expect(await pipe.lines()).toEqual(["a", "b"]);
  expect(await pipe.keys(pipe.failures, "aws/")).not.toContain(key);
  expect(await pipe.keys(pipe.failures, "aws/")).toHaveLength(5);
});

test.concurrent("an outage that left each record in an object of its own is brought in by whole batches", async () => {
  const pipe = await cloud.pipe();
  const texts = Array.from({ length: 40 }, (_, i) => `${i}`.padStart(2, "0"));
  const sequenceNumbers = await pipe.put(texts);
  // Bisected to the last, but for one that got through in between.
  pipe.fault = (some) => (some.length === 1 && some[0] === "17" ? undefined : "AccessDenied");
  await pipe.drain({ bisect: true });
  expect(await pipe.lines()).toEqual(["17"]);
  expect(await pipe.keys(pipe.failures)).toHaveLength(39);
  pipe.fault = (some) => (some.includes("30") ? "it chokes" : undefined);
  const { ok, json } = await pipe.replay({ failed: true });
  expect(ok).toBe(false);
  expect(json).toMatchObject({
    records: 38,
    committed: 0,
    poison: [{ sequenceNumber: sequenceNumbers[30] }],
  });
  expect(await pipe.lines()).toEqual(texts.filter((text) => text !== "30"));
  await pipe.expectRuns(sequenceNumbers);
  // One before and one after 17, and the halves about 30.
  expect((await pipe.commits()).length).toBeLessThan(10);
  expect(await pipe.keys(pipe.failures, "aws/")).toHaveLength(1);
});

test.concurrent("a record that no invocation takes is named, and brought in by routing it here", async () => {
  const pipe = await cloud.pipe();
  const [large] = await pipe.put(["a"]);
  pipe.fault = () => "AccessDenied";
  await pipe.drain();
  pipe.fault = () => undefined;
  const [[key, record]] = Object.entries(await pipe.failureRecords()) as [[string, { payload: string }]];
  const data = Buffer.alloc(5 * 2 ** 20, "x").toString("base64");
  const payload = record.payload.replace(/"data":"[^"]*"/, `"data":"${data}"`);
  await pipe.putFailure(key, { ...record, payload });
  const { ok, json } = await pipe.replay({ object: [key] });
  expect(ok).toBe(false);
  expect(json).toMatchObject({
    records: 0,
    invocations: 0,
    poison: [{ sequenceNumber: large, error: expect.stringContaining("--in-process") }],
  });
  expect(pipe.invoked).toEqual([]);
  expect(await pipe.replay({ failed: true, inProcess: true })).toMatchObject({
    ok: true,
    json: { records: 1, notes: [] },
  });
  expect(await pipe.keys(pipe.failures, "aws/")).toEqual([]);
  expect((await pipe.commits())[0]).toMatchObject({ records: 1, bytes: 5 * 2 ** 20 });
});

test.concurrent("pages that are empty, iterators that expire and throttling do not shorten a stretch", async () => {
  const pipe = await cloud.pipe();
  const sequenceNumbers = await pipe.put(letters("abcdef"));
  const faults = ["empty", EXPIRED, "ProvisionedThroughputExceededException", "one", EXPIRED, "empty"];
  pipe.kinesisFault = () => faults.shift();
  const [from, to] = [sequenceNumbers[1]!, sequenceNumbers[4]!].map((one) => ({ sequence: BigInt(one) }));
  const outcome = await pipe.replay({ shard: "shardId-000000000000", from: from!, to: to! });
  expect(outcome).toMatchObject({ ok: true, json: { records: 4, lost: [] } });
  expect(faults).toEqual([]);
  expect(await pipe.lines()).toEqual(letters("bcde"));
  // Nothing of the shard was committed: the mapping may be on its way.
  expect(outcome.text).toContain("4 records come after all that is committed");
});

test.concurrent("a router that fails on everything is left alone before long, and what is asked for makes sense", async () => {
  const pipe = await cloud.pipe();
  await pipe.put(Array.from({ length: 60 }, (_, i) => `${i}`));
  pipe.fault = () => "AccessDenied";
  await pipe.drain();
  const stopped = await pipe.replay({ failed: true });
  expect(stopped).toMatchObject({ ok: false, json: { records: 0, stopped: expect.any(String) } });
  expect(stopped.text).toMatch(/Stopped: the router failed on \d+ records one after the other: AccessDenied/);
  expect(pipe.invoked.length).toBeLessThan(60);
  expect(await pipe.keys(pipe.failures, "aws/")).toHaveLength(1);

  const bound = { at: new Date() };
  const sequence = { sequence: 1n };
  await expect(pipe.replay({})).rejects.toThrow("nothing says what to replay");
  await expect(pipe.replay({ from: bound })).rejects.toThrow("--to is missing");
  await expect(pipe.replay({ from: sequence, to: bound })).rejects.toThrow("count within a shard");
  const shard = "shardId-000000000007";
  await expect(pipe.replay({ shard, from: bound, to: bound })).rejects.toThrow("has no shard");
  await expect(
    pipe.replay({ shard: "shardId-000000000000", from: { sequence: 10n }, to: { sequence: 9n } }),
  ).rejects.toThrow("--from is after --to");
});

test.concurrent("what the router has no room or no time for now comes again, and no record with it", async () => {
  const pipe = await cloud.pipe();
  const sequenceNumbers = await pipe.put(letters("abcde"));
  pipe.fault = () => "AccessDenied";
  await pipe.drain();
  pipe.fault = () => undefined;
  pipe.answers.push("busy", "retry", "two");
  const { ok, json } = await pipe.replay({ failed: true, done: "keep" });
  expect({ ok, json }).toMatchObject({ ok: true, json: { records: 5, invocations: 2 } });
  expect(pipe.invoked.map(({ length }) => length)).toEqual([5, 5, 5, 3]);
  expect(await pipe.lines()).toEqual(letters("abcde"));
  await pipe.expectRuns(sequenceNumbers);
  expect(await pipe.keys(pipe.failures)).toHaveLength(1);
});
