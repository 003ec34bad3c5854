import { writeFile } from "node:fs/promises";
import { zstdDecompressSync } from "node:zlib";
import { afterAll, beforeAll, expect, test } from "vitest";
import { ShardLimits } from "../../bench/shard-limits.ts";
import { startKinesis } from "../../local/kinesis.ts";
import type { Part } from "../../local/part.ts";
import { isAggregate } from "../../wire/deaggregate.ts";
import { openEnvelope } from "../../wire/envelope.ts";
import { HEARTBEAT_TYPE } from "../../wire/log-type.ts";
import { oracleRead } from "../wire/kinesis-agg.ts";
import { AgentFixture, lines } from "./agent-fixture.ts";
import { bySource, type Event, eventsOf, reassemble } from "./event.ts";
import type { StoredRecord } from "./fault-kinesis.ts";
import { type Fate, FaultProxy } from "./fault-proxy.ts";
import { LocalStream } from "./local-stream.ts";
import { randomNumbers } from "./random-writer.ts";
import { seeds } from "./seeds.ts";

/** More than kinesis-local takes, unless the machine is very busy. */
const TIMEOUT_MS = 1_000;

let kinesis: Part;

beforeAll(async () => {
  kinesis = await startKinesis({ streams: [] });
});
afterAll(() => kinesis.stop());

const logEvents = (data: Buffer) => eventsOf(data).filter(({ tag }) => tag !== HEARTBEAT_TYPE);
const identity = ({ position }: Event) => `${position.source.id}:${position.offset}`;
const contents = (records: readonly StoredRecord[]) =>
  Array.from(bySource(records.flatMap(({ data }) => logEvents(data))).values(), reassemble).sort();

test.concurrent.each(seeds(10).map((seed) => [seed, seed % 2 === 0 ? "source" : "none"] as const))(
  "whatever Kinesis does (seed %i, ordering %s), all lines arrive, and only what it took untold comes again",
  async (seed, ordering) => {
    const random = randomNumbers(seed);
    await using agent = await AgentFixture.make();
    await using stream = await LocalStream.open(
      kinesis.endpoint,
      `seed-${seed}`,
      1 + Math.floor(random() * 4),
    );
    // Now and then others use most of the stream.
    const limits = new ShardLimits(random() < 0.3 ? 0.1 + random() * 0.4 : 1);
    await using proxy = await FaultProxy.start({ stream, limits, random });
    const files = Array.from({ length: 5 }, (_, i) => lines(Math.floor(random() * 1_500), `file ${i}`));
    for (const [i, text] of files.entries()) await writeFile(agent.path(`${i}.log`), text);
    const producer = {
      aggregate_bytes: 1_024 + Math.floor(random() * 15_000),
      linger_ms: 10,
      max_buffered_bytes: 2 ** 20,
      request_timeout_ms: TIMEOUT_MS,
      ordering,
      compression: random() < 0.3 ? "zstd" : "none",
      wire: random() < 0.5 ? "cbor" : "json",
    };
    await agent.drain({ stream: stream.name, endpoint: proxy.endpoint, producer });
    const records = await stream.records();
    expect(contents(records)).toEqual(files.filter((text) => text !== "").sort());
    for (const { data } of records) assertReadable(data);
    expect(repeatedMoreThan([...proxy.untold, ...proxy.doubtful], records)).toEqual([]);
    if (ordering === "source") assertInOrder(records);
  },
);

/** Other readers of aggregates see the same in them. */
function assertReadable(data: Buffer): void {
  const ours = openEnvelope(data, "").userRecords.map((record) => [record.partitionKey, record.data]);
  const theirs = oracleRead(isAggregate(data) ? data : zstdDecompressSync(data));
  expect(theirs.map((record) => [record.partitionKey, record.data])).toEqual(ours);
}

/** Events that arrived more often than once, and once more each time the agent was not told of it. */
function repeatedMoreThan(untold: readonly Buffer[], records: readonly StoredRecord[]): string[] {
  const left = new Map<string, number>();
  const count = (data: Buffer, by: number): void => {
    for (const event of logEvents(data)) left.set(identity(event), (left.get(identity(event)) ?? 0) + by);
  };
  for (const { data } of records) count(data, 1);
  for (const data of untold) count(data, -1);
  return [...left].filter(([, times]) => times > 1).map(([key]) => key);
}

/** First arrivals only: what is repeated is left out by whoever reads, wherever it stands. */
function assertInOrder(records: readonly StoredRecord[]): void {
  const arrived = new Map<string, number>();
  for (const { data } of records) {
    const events = logEvents(data);
    expect(new Set(events.map(({ position }) => position.source.id)).size).toBeLessThanOrEqual(1);
    for (const { position } of events) {
      const { source, offset, extent } = position;
      const end = arrived.get(source.id) ?? 0;
      if (offset + extent <= end) continue;
      expect(offset).toBe(end);
      arrived.set(source.id, offset + extent);
    }
  }
}

test.concurrent.each<[Fate, number]>([
  ["reset-after", 30_000],
  ["time-out-after", 5_000],
])(
  "what Kinesis takes and does not tell (%s) comes again, all of it, and nothing else",
  async (fault, timeoutMs) => {
    await using agent = await AgentFixture.make();
    await using stream = await LocalStream.open(kinesis.endpoint, fault, 2);
    let requests = 0;
    await using proxy = await FaultProxy.start({
      stream,
      limits: new ShardLimits(),
      random: () => 0,
      fate: (operation) => (operation === "PutRecords" && ++requests === 2 ? fault : "pass"),
    });
    await writeFile(agent.path("a.log"), lines(5_000));
    const producer = { aggregate_bytes: 4_096, linger_ms: 10, request_timeout_ms: timeoutMs };
    await agent.drain({ stream: stream.name, endpoint: proxy.endpoint, producer });
    const records = await stream.records();
    expect(new Set(records.flatMap(({ data }) => logEvents(data)).map(identity)).size).toBe(5_000);
    expect(proxy.untold).not.toEqual([]);
    // Once more than they were sent in vain, and the others once, unless an answer was too slow.
    expect(repeatedMoreThan([...proxy.untold, ...proxy.doubtful], records)).toEqual([]);
    const again = new Set(repeatedMoreThan([], records));
    expect(
      proxy.untold
        .flatMap(logEvents)
        .map(identity)
        .filter((event) => !again.has(event)),
    ).toEqual([]);
  },
);

test("the agent keeps to what shards take, and is hardly ever refused", async () => {
  await using agent = await AgentFixture.make();
  await using stream = await LocalStream.open(kinesis.endpoint, "limits", 2);
  const limits = new ShardLimits();
  await using proxy = await FaultProxy.start({
    stream,
    limits,
    random: () => 0,
    fate: () => "pass",
  });
  const text = lines(25_000, "x".repeat(90));
  await writeFile(agent.path("a.log"), text);
  const producer = { aggregate_bytes: 50_000 };
  const counts = await agent.drain({ stream: stream.name, endpoint: proxy.endpoint, producer });
  expect(contents(await stream.records())).toEqual([text]);
  // A loaded machine bunches requests; without limits of its own, an agent would be refused most of them.
  expect(limits.refused).toBeLessThan(0.2 * counts.records);
});
