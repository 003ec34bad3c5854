import { expect, test } from "vitest";
import type { OutgoingRecord } from "../../agent/kinesis/outgoing-record.ts";
import { hashKeyOf } from "../../wire/hash-key.ts";
import { randomNumbers } from "./random-writer.ts";
import { SimulatedStream } from "./simulated-stream.ts";

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const MAX_BYTES = 8 * 2 ** 20;

/** Records of one size, each to the shard that has room for it. */
function records(stream: SimulatedStream, bytes: number): () => OutgoingRecord {
  const data = Buffer.alloc(bytes);
  let count = 0;
  return () => ({
    data,
    partitionKey: (count++).toString(36),
    explicitHashKey: stream.shards.choose(bytes).explicitHashKey,
    source: undefined,
    acknowledge: () => {},
  });
}

async function simulate(
  shards: number,
  recordBytes: number,
  scenario: (stream: SimulatedStream) => Promise<void>,
): Promise<SimulatedStream> {
  const stream = new SimulatedStream(shards, MAX_BYTES, randomNumbers(7));
  await stream.start();
  const feeding = stream.feed(records(stream, recordBytes));
  await scenario(stream);
  await stream.stop();
  await feeding;
  return stream;
}

const total = ({ taken }: SimulatedStream) => [...taken.values()].reduce((sum, bytes) => sum + bytes, 0);
const throttleRate = ({ counts }: SimulatedStream["producer"]) =>
  counts.throttled / (counts.records + counts.throttled);

test.each([
  ["a megabyte", 1_032_192, 60],
  ["a tenth of one", 100_000, 60],
  ["half a kilobyte", 500, 10],
])("records of %s fill their shards and are hardly ever refused", async (_size, bytes, seconds) => {
  const stream = await simulate(4, bytes, ({ clock }) => clock.runTo(seconds * 1_000));
  // Whole records in each second, and no answer takes longer than 80 ms.
  const most = bytes * Math.min(Math.floor(2 ** 20 / bytes), 1_000) * 4 * seconds;
  expect(total(stream)).toBeGreaterThan(0.94 * most);
  expect(throttleRate(stream.producer)).toBeLessThan(0.005);
});

test("aggregates that are closed together go to different shards", async () => {
  const stream = new SimulatedStream(4, MAX_BYTES, randomNumbers(7));
  await stream.start();
  // Of unequal shards one is always the soonest.
  for (const [i, shard] of stream.shards.shards.entries()) shard.sending(100_000 * i, 0);
  const chosen = Array.from({ length: 4 }, () => stream.shards.choose(1_000_000).shardId);
  expect(new Set(chosen).size).toBe(4);
  await stream.stop();
});

test("two hours without the service take no memory, and the rest is sent within the limits", async () => {
  const stream = await simulate(4, 100_000, async (stream) => {
    await stream.clock.runTo(MINUTE_MS);
    stream.isDown = true;
    for (let at = MINUTE_MS; at < 2 * HOUR_MS; at += MINUTE_MS) {
      await stream.clock.runTo(at);
      expect(stream.outbox.bytes).toBeLessThan(MAX_BYTES + 100_000);
    }
    const before = total(stream);
    const requests = stream.producer.counts.requests;
    stream.isDown = false;
    await stream.clock.runTo(2 * HOUR_MS + MINUTE_MS);
    expect(stream.producer.counts.requests).toBeGreaterThan(requests);
    // The longest pause goes by before the service is asked again.
    expect(total(stream) - before).toBeGreaterThan(0.6 * 4 * 2 ** 20 * 60);
  });
  expect(throttleRate(stream.producer)).toBeLessThan(0.01);
});

test("a service that is down is asked a few times a minute, not thousands", async () => {
  const stream = await simulate(4, 100_000, async (stream) => {
    stream.isDown = true;
    await stream.clock.runTo(HOUR_MS);
  });
  expect(stream.producer.counts.requests).toBeLessThan(1_000);
});

test("a shard that takes nothing does not slow the others down", async () => {
  const stream = await simulate(4, 100_000, async (stream) => {
    stream.hot.add("shardId-000000000001");
    await stream.clock.runTo(MINUTE_MS);
  });
  expect(stream.taken.size).toBe(3);
  expect(total(stream)).toBeGreaterThan(0.85 * 3 * 2 ** 20 * 60);
});

test("where others use most of a stream, refusals teach to take what is left", async () => {
  const stream = await simulate(2, 20_000, async (stream) => {
    stream.limits.share = 0.3;
    await stream.clock.runTo(5 * MINUTE_MS);
  });
  expect(total(stream)).toBeGreaterThan(0.5 * 0.3 * 2 * 2 ** 20 * 300);
  expect(throttleRate(stream.producer)).toBeLessThan(0.1);
});

test("what waits for shards that were split or merged goes to those that own its keys now", async () => {
  const stream = await simulate(2, 100_000, async (stream) => {
    await stream.clock.runTo(10_000);
    stream.reshard(6);
    await stream.clock.runTo(20_000);
    stream.reshard(3);
    await stream.clock.runTo(30_000);
  });
  expect(stream.taken.size).toBe(2 + 6 + 3);
  expect(total(stream)).toBeGreaterThan(0.8 * (2 + 6 + 3) * 10 * 2 ** 20);
  const open = stream.shards.shards.map(({ shardId }) => shardId);
  expect(open.map((shardId) => Number(shardId.slice(-2)))).toEqual([8, 9, 10]);
  // Answers that were on their way to the list count for shards before.
  expect(stream.producer.byShard.size).toBeLessThan(2 + 6 + 3);
  expect([...stream.producer.byShard.keys()]).toEqual(expect.arrayContaining(open));
});

test.each([
  [1, 4],
  [2, 4],
  [2, 3],
  [4, 1],
])("a stream of %i shards that is made again with %i, of the same ids, is used in full", async (from, to) => {
  const stream = await simulate(from, 100_000, async (stream) => {
    await stream.clock.runTo(MINUTE_MS);
    stream.remake(to);
    await stream.clock.runTo(2 * MINUTE_MS);
    stream.taken.clear();
    await stream.clock.runTo(3 * MINUTE_MS);
  });
  expect(stream.shards.count).toBe(to);
  expect(total(stream)).toBeGreaterThan(0.9 * to * 2 ** 20 * 60);
  expect(stream.listed).toBe(2);
});

test("sources that are kept in order arrive in order, each on its shard, the others beside them", async () => {
  const stream = new SimulatedStream(3, MAX_BYTES, randomNumbers(11));
  await stream.start();
  const sent = new Map<string, number>();
  let turn = 0;
  const feeding = stream.feed(() => {
    const source = `source${turn++ % 10}`;
    const n = sent.get(source) ?? 0;
    sent.set(source, n + 1);
    const explicitHashKey = hashKeyOf(source);
    return {
      data: Buffer.alloc(50_000),
      partitionKey: `${n}`,
      explicitHashKey,
      source,
      acknowledge: () => {},
    };
  });
  stream.limits.share = 0.5;
  await stream.clock.runTo(MINUTE_MS);
  await stream.stop();
  await feeding;
  expect(stream.producer.counts.throttled).toBeGreaterThan(0);
  for (const source of sent.keys()) {
    const own = stream.arrived.filter((record) => record.source === source);
    expect(own.length).toBeGreaterThan(20);
    expect(own.map(({ key }) => Number(key))).toEqual(own.map((_, i) => i));
    expect(new Set(own.map(({ shardId }) => shardId)).size).toBe(1);
  }
});
