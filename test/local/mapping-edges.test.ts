import { ExpiredIteratorException, type KinesisClient } from "@aws-sdk/client-kinesis";
import type { S3Client } from "@aws-sdk/client-s3";
import { expect, test } from "vitest";
import { failure, type InvokeResult } from "../../local/lambda/invoke-result.ts";
import type { MappingEvent } from "../../local/mapping/mapping-event.ts";
import { startMapping, type Mapping } from "../../local/mapping/mapping.ts";
import type { MappingSettings } from "../../local/mapping/settings.ts";

/** What the local Kinesis never does: iterators that expire, pages that are empty, errors. */

const SETTINGS: MappingSettings = {
  batchSize: 100,
  windowSeconds: 0,
  bisect: false,
  retryAttempts: 0,
  maxRecordAgeSeconds: -1,
  reportBatchItemFailures: true,
  startingPosition: "TRIM_HORIZON",
};

interface Call {
  readonly name: string;
  readonly input: Record<string, unknown>;
}

/** A client that plays the replies given for each command, the last of them for ever. */
class Script {
  readonly calls: Call[] = [];
  readonly #replies: Record<string, (object | Error)[]>;

  constructor(replies: Record<string, (object | Error)[]>) {
    this.#replies = replies;
  }

  async send(command: { readonly input: object }): Promise<object> {
    const name = command.constructor.name.replace("Command", "");
    this.calls.push({ name, input: command.input as Record<string, unknown> });
    const replies = this.#replies[name]!;
    const reply = replies.length > 1 ? replies.shift()! : replies[0]!;
    await new Promise(setImmediate);
    if (reply instanceof Error) throw reply;
    return reply;
  }

  inputs(name: string): Record<string, unknown>[] {
    return this.calls.filter((call) => call.name === name).map(({ input }) => input);
  }
}

const page = (numbers: number[], MillisBehindLatest = 0): object => ({
  Records: numbers.map((n) => ({
    SequenceNumber: `${n}`,
    PartitionKey: "k",
    Data: Buffer.from(`${n}`),
    ApproximateArrivalTimestamp: new Date(),
  })),
  MillisBehindLatest,
  NextShardIterator: `after-${numbers.at(-1) ?? "nothing"}`,
});
const expired = (): Error => new ExpiredIteratorException({ $metadata: {}, message: "too old" });
const shard = (ShardId: string, parents: object = {}, EndingSequenceNumber?: string): object => ({
  ShardId,
  ...parents,
  SequenceNumberRange: { StartingSequenceNumber: "0", ...(EndingSequenceNumber && { EndingSequenceNumber }) },
});
const ONE_SHARD = [{ Shards: [shard("shardId-000000000000")] }];
const ITERATOR = [{ ShardIterator: "first" }];

interface Played {
  readonly mapping: Mapping;
  readonly given: string[];
  readonly events: MappingEvent[];
}

async function play(
  kinesis: Script,
  settings: Partial<MappingSettings> = {},
  s3 = new Script({}),
  answer: InvokeResult = { ok: true, requestId: "r", payload: "null" },
): Promise<Played> {
  const given: string[] = [];
  const events: MappingEvent[] = [];
  const mapping = await startMapping({
    kinesis: kinesis as unknown as KinesisClient,
    s3: s3 as unknown as S3Client,
    streamName: "logs",
    streamArn: "arn:aws:kinesis:us-east-1:000000000000:stream/logs",
    functionArn: "arn:aws:lambda:us-east-1:000000000000:function:router",
    settings: { ...SETTINGS, ...settings },
    invoke: async (payload) => {
      const { Records } = JSON.parse(payload) as { Records: { kinesis: { sequenceNumber: string } }[] };
      given.push(...Records.map(({ kinesis }) => kinesis.sequenceNumber));
      return answer;
    },
    onEvent: (event) => events.push(event),
  });
  return { mapping, given, events };
}

test("an iterator that expired is replaced by one after the last record read", async () => {
  const kinesis = new Script({
    ListShards: ONE_SHARD,
    GetShardIterator: ITERATOR,
    GetRecords: [page([1, 2], 500), expired(), page([3]), page([])],
  });
  const { mapping, given } = await play(kinesis);
  await mapping.drained();
  await mapping.stop();
  expect(given).toEqual(["1", "2", "3"]);
  expect(kinesis.inputs("GetShardIterator")[1]).toMatchObject({
    ShardIteratorType: "AFTER_SEQUENCE_NUMBER",
    StartingSequenceNumber: "2",
  });
});

test("an iterator at the latest record that expired unused skips nothing that came meanwhile", async () => {
  const kinesis = new Script({
    ListShards: ONE_SHARD,
    GetShardIterator: ITERATOR,
    GetRecords: [expired(), page([1]), page([])],
  });
  const before = Date.now();
  const { mapping, given } = await play(kinesis, { startingPosition: "LATEST" });
  await mapping.drained();
  await mapping.stop();
  expect(given).toEqual(["1"]);
  const [first, second] = kinesis.inputs("GetShardIterator");
  expect(first).toMatchObject({ ShardIteratorType: "LATEST" });
  expect(second).toMatchObject({ ShardIteratorType: "AT_TIMESTAMP" });
  expect((second!["Timestamp"] as Date).getTime()).toBeGreaterThanOrEqual(before);
});

test("empty pages short of the end are read past, and not taken for the end", async () => {
  const kinesis = new Script({
    ListShards: ONE_SHARD,
    GetShardIterator: ITERATOR,
    GetRecords: [page([], 9_000), page([], 5_000), page([1]), page([])],
  });
  const { mapping, given } = await play(kinesis);
  await mapping.drained();
  await mapping.stop();
  expect(given).toEqual(["1"]);
});

test("an error of the stream is told, and reading goes on where it was", async () => {
  const kinesis = new Script({
    ListShards: ONE_SHARD,
    GetShardIterator: ITERATOR,
    GetRecords: [page([1], 500), new Error("not today"), page([2]), page([])],
  });
  const { mapping, given, events } = await play(kinesis);
  await mapping.drained();
  await mapping.stop();
  expect(given).toEqual(["1", "2"]);
  expect(events).toContainEqual(
    expect.objectContaining({
      kind: "poll-failed",
      error: expect.objectContaining({ message: "not today" }),
    }),
  );
});

test("what the failure destination refuses is offered again, and the shard waits for it", async () => {
  const s3 = new Script({ PutObject: [new Error("SlowDown"), {}] });
  const kinesis = new Script({
    ListShards: ONE_SHARD,
    GetShardIterator: ITERATOR,
    GetRecords: [page([1]), page([])],
  });
  const settings = { failureDestinationBucket: "failures" };
  const { mapping, events } = await play(kinesis, settings, s3, failure("r", "Error", "no"));
  await mapping.drained();
  await mapping.stop();
  const puts = s3.inputs("PutObject");
  expect(puts).toHaveLength(2);
  expect(puts[1]).toEqual(puts[0]);
  expect(events.map(({ kind }) => kind).filter((kind) => kind !== "polled")).toEqual([
    "shard-opened",
    "invoked",
    "destination-failed",
    "gave-up",
  ]);
});

test("a record too large for any invocation is given up without one, and says so in its failure record", async () => {
  const large = {
    SequenceNumber: "1",
    PartitionKey: "k",
    Data: Buffer.alloc(5 * 2 ** 20),
    ApproximateArrivalTimestamp: new Date(),
  };
  const s3 = new Script({ PutObject: [{}] });
  const kinesis = new Script({
    ListShards: ONE_SHARD,
    GetShardIterator: ITERATOR,
    GetRecords: [{ Records: [large], MillisBehindLatest: 1, NextShardIterator: "x" }, page([2]), page([])],
  });
  const { mapping, given } = await play(kinesis, { failureDestinationBucket: "failures" }, s3);
  await mapping.drained();
  await mapping.stop();
  expect(given).toEqual(["2"]);
  const record = JSON.parse(String(s3.inputs("PutObject")[0]!["Body"])) as Record<string, unknown>;
  expect(record).not.toHaveProperty("responseContext");
  expect(record["requestContext"]).toMatchObject({ approximateInvokeCount: 0 });
});

test("after a merge the child waits for both of its parents", async () => {
  const end = (numbers: number[]): object => ({ ...page(numbers), NextShardIterator: undefined });
  const merged = [
    shard("shardId-000000000000", {}, "9"),
    shard("shardId-000000000001", {}, "9"),
    shard("shardId-000000000002", {
      ParentShardId: "shardId-000000000000",
      AdjacentParentShardId: "shardId-000000000001",
    }),
  ];
  const kinesis = new Script({
    ListShards: [
      { Shards: merged.slice(0, 2), NextToken: "more" },
      { Shards: merged.slice(2) },
      { Shards: merged },
    ],
    GetShardIterator: ITERATOR,
    GetRecords: [end([1]), end([2]), page([3]), page([])],
  });
  const { mapping, given, events } = await play(kinesis);
  await mapping.drained();
  await mapping.stop();
  expect(given).toEqual(["1", "2", "3"]);
  const shardEvents = events.filter(({ kind }) => kind === "shard-opened" || kind === "shard-closed");
  expect(shardEvents.at(-1)).toEqual({ kind: "shard-opened", shardId: "shardId-000000000002" });
  expect(shardEvents).toHaveLength(5);
});

test("a stream whose closed shards are past, read from the latest on, begins with its open shards alone", async () => {
  const kinesis = new Script({
    ListShards: [
      {
        Shards: [
          shard("shardId-000000000000", {}, "9"),
          shard("shardId-000000000001", { ParentShardId: "shardId-000000000000" }),
        ],
      },
    ],
    GetShardIterator: ITERATOR,
    GetRecords: [page([])],
  });
  const { mapping } = await play(kinesis, { startingPosition: "LATEST" });
  await mapping.drained();
  expect(mapping.status().map(({ shardId }) => shardId)).toEqual(["shardId-000000000001"]);
  await mapping.stop();
});
