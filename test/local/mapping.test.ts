import { randomUUID } from "node:crypto";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  CreateStreamCommand,
  DescribeStreamSummaryCommand,
  KinesisClient,
  PutRecordCommand,
  SplitShardCommand,
} from "@aws-sdk/client-kinesis";
import { GetObjectCommand, ListObjectsV2Command, S3Client } from "@aws-sdk/client-s3";
import { NodeHttpHandler } from "@smithy/node-http-handler";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { startKinesis } from "../../local/kinesis.ts";
import { startFunction, type FunctionOptions, type LambdaFunction } from "../../local/lambda/function.ts";
import type { MappingEvent } from "../../local/mapping/mapping-event.ts";
import { startMapping, type Mapping } from "../../local/mapping/mapping.ts";
import type { MappingSettings } from "../../local/mapping/settings.ts";
import type { Part } from "../../local/part.ts";
import { startS3 } from "../../local/s3.ts";

/**
 * Writes down each event it is given before it does what the records' data say. Each letter of
 * CHOKES is a record it cannot take: it throws, or reports it where REPORTS is set.
 */
const HANDLER = `
import { appendFileSync, existsSync } from "node:fs";
export const handler = async (event) => {
  appendFileSync(process.env.SEEN, JSON.stringify(event) + "\\n");
  const text = ({ kinesis }) => Buffer.from(kinesis.data, "base64").toString();
  if (process.env.HANG_UNLESS && !existsSync(process.env.HANG_UNLESS)) await new Promise(() => setInterval(() => {}, 1e6));
  const bad = event.Records.filter((record) => process.env.CHOKES?.includes(text(record)));
  if (process.env.REPORTS) return { batchItemFailures: bad.map(({ kinesis }) => ({ itemIdentifier: kinesis.sequenceNumber })) };
  if (bad.length > 0) throw new Error("choked on " + text(bad[0]));
};`;

const SETTINGS: MappingSettings = {
  batchSize: 100,
  windowSeconds: 0,
  bisect: false,
  retryAttempts: 3,
  maxRecordAgeSeconds: -1,
  reportBatchItemFailures: true,
  startingPosition: "TRIM_HORIZON",
  failureDestinationBucket: "failures",
};

interface LambdaEvent {
  readonly Records: readonly { readonly eventID: string; readonly kinesis: Record<string, unknown> }[];
}

/** However long it takes on a busy machine. */
const eventually = <T>(look: () => T) => expect.poll(look);

let root: string;
let parts: Part[];
let kinesis: KinesisClient;
let s3: S3Client;
const running: { stop(): Promise<void> }[] = [];

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "weir-mapping-"));
  await writeFile(join(root, "index.mjs"), HANDLER);
  parts = await Promise.all([
    startKinesis({ streams: [] }),
    startS3({ buckets: ["failures"], dataDir: join(root, "s3") }),
  ]);
  const shared = { region: "us-east-1", credentials: { accessKeyId: "local", secretAccessKey: "local" } };
  kinesis = new KinesisClient({
    ...shared,
    endpoint: parts[0]!.endpoint,
    requestHandler: new NodeHttpHandler(),
  });
  s3 = new S3Client({ ...shared, endpoint: parts[1]!.endpoint, forcePathStyle: true });
});
afterEach(async () => {
  for (const part of running.splice(0).toReversed()) await part.stop();
});
afterAll(async () => {
  kinesis.destroy();
  s3.destroy();
  await Promise.all(parts.map((part) => part.stop()));
  await rm(root, { recursive: true });
});

/** A stream and a function of their own, and the mapping between them. */
class Pipe {
  readonly streamName = randomUUID();
  readonly seenFile = join(root, this.streamName);
  readonly events: MappingEvent[] = [];
  fn!: LambdaFunction;
  mapping!: Mapping;

  async createStream(shards: number): Promise<this> {
    await kinesis.send(new CreateStreamCommand({ StreamName: this.streamName, ShardCount: shards }));
    await this.untilActive();
    return this;
  }

  async untilActive(): Promise<void> {
    await eventually(async () => {
      const reply = await kinesis.send(new DescribeStreamSummaryCommand({ StreamName: this.streamName }));
      return reply.StreamDescriptionSummary?.StreamStatus;
    }).toBe("ACTIVE");
  }

  async start(
    settings: Partial<MappingSettings> = {},
    environment: Record<string, string> = {},
    options: Partial<FunctionOptions> = {},
  ): Promise<this> {
    this.fn = startFunction({
      name: "weir-test",
      assetDir: root,
      handler: "index.handler",
      timeoutMs: 60_000,
      memoryMb: 128,
      environment: { AWS_REGION: "us-east-1", SEEN: this.seenFile, ...environment },
      concurrency: 4,
      log: () => {},
      ...options,
    });
    this.mapping = await startMapping({
      kinesis,
      s3,
      streamName: this.streamName,
      streamArn: `arn:aws:kinesis:us-east-1:000000000000:stream/${this.streamName}`,
      functionArn: this.fn.arn,
      settings: { ...SETTINGS, ...settings },
      invoke: (payload) => this.fn.invoke(payload),
      onEvent: (event) => this.events.push(event),
    });
    running.push(this.fn, this.mapping);
    return this;
  }

  /** One record after the other, so that their order on a shard is theirs here. */
  async put(...texts: string[]): Promise<string[]> {
    const sequenceNumbers: string[] = [];
    for (const text of texts) {
      const reply = await kinesis.send(
        new PutRecordCommand({ StreamName: this.streamName, PartitionKey: text, Data: Buffer.from(text) }),
      );
      sequenceNumbers.push(reply.SequenceNumber!);
    }
    return sequenceNumbers;
  }

  async seen(): Promise<LambdaEvent[]> {
    const lines = await readFile(this.seenFile, "utf8").catch(() => "");
    return lines
      .split("\n")
      .filter(Boolean)
      .map((line) => JSON.parse(line) as LambdaEvent);
  }

  /** The batches the function was given, as their records' text. */
  async batches(): Promise<string[][]> {
    const events = await this.seen();
    return events.map(({ Records }) =>
      Records.map(({ kinesis }) => Buffer.from(String(kinesis["data"]), "base64").toString()),
    );
  }
}

const letters = "abcdefghij".split("");

test("a function gets every record of every shard, in each shard's order, in Lambda's own event", async () => {
  const pipe = await new Pipe().createStream(2);
  const sequenceNumbers = await pipe.put(...letters);
  await pipe.start({ batchSize: 3 });
  await pipe.mapping.drained();

  const records = (await pipe.seen()).flatMap(({ Records }) => Records);
  expect(records).toHaveLength(10);
  for (const { shardId, checkpoint, millisBehind, inFlight } of pipe.mapping.status()) {
    const ofShard = records.filter(({ eventID }) => eventID.startsWith(`${shardId}:`));
    const order = ofShard.map(({ kinesis }) => sequenceNumbers.indexOf(String(kinesis["sequenceNumber"])));
    expect(order).toEqual(order.toSorted((a, b) => a - b));
    expect(checkpoint).toBe(ofShard.at(-1)?.kinesis["sequenceNumber"]);
    expect({ millisBehind, inFlight }).toEqual({ millisBehind: 0, inFlight: 0 });
  }
  const a = records.find(({ kinesis }) => kinesis["partitionKey"] === "a");
  expect(a).toEqual({
    kinesis: {
      kinesisSchemaVersion: "1.0",
      partitionKey: "a",
      sequenceNumber: sequenceNumbers[0],
      data: "YQ==",
      approximateArrivalTimestamp: expect.closeTo(Date.now() / 1_000, -3),
    },
    eventSource: "aws:kinesis",
    eventVersion: "1.0",
    eventID: expect.stringMatching(`^shardId-00000000000[01]:${sequenceNumbers[0]}$`),
    eventName: "aws:kinesis:record",
    invokeIdentityArn: "arn:aws:iam::000000000000:role/local",
    awsRegion: "us-east-1",
    eventSourceARN: `arn:aws:kinesis:us-east-1:000000000000:stream/${pipe.streamName}`,
  });
});

test("a function killed in the middle of a batch is given the batch again", async () => {
  const mayGoOn = join(root, randomUUID());
  const pipe = await new Pipe().createStream(1);
  await pipe.put(...letters);
  await pipe.start({}, { HANG_UNLESS: mayGoOn });
  await eventually(() => pipe.batches()).toEqual([letters]);
  await writeFile(mayGoOn, "");
  process.kill(pipe.fn.pids[0]!, "SIGKILL");
  await pipe.mapping.drained();
  expect(await pipe.batches()).toEqual([letters, letters]);
  expect(pipe.events).toContainEqual(
    expect.objectContaining({
      kind: "invoked",
      outcome: "failed",
      error: expect.stringContaining("SIGKILL"),
    }),
  );
  expect(pipe.mapping.status()).toMatchObject([{ retries: 1, dropped: 0 }]);
});

test("a poison record ends alone in the failure destination, whole and readable, and all others get through", async () => {
  const pipe = await new Pipe().createStream(1);
  const sequenceNumbers = await pipe.put(...letters);
  await pipe.start({ bisect: true, retryAttempts: 1 }, { CHOKES: "e" });
  await pipe.mapping.drained();

  const tried = await pipe.batches();
  expect(tried.filter((batch) => batch.length === 1 && batch[0] === "e")).toHaveLength(2);
  const done = tried.filter((batch) => !batch.includes("e")).flat();
  expect(done.toSorted()).toEqual(letters.filter((letter) => letter !== "e"));

  const prefix = `aws/lambda/${pipe.mapping.uuid}/shardId-000000000000/`;
  const listed = await s3.send(new ListObjectsV2Command({ Bucket: "failures", Prefix: prefix }));
  expect(listed.Contents).toHaveLength(1);
  const key = listed.Contents![0]!.Key!;
  expect(key).toMatch(/\/(\d{4})\/(\d\d)\/(\d\d)\/\1-\2-\3T\d\d\.\d\d\.\d\d-[0-9a-f-]{36}$/);
  expect(pipe.events).toContainEqual(expect.objectContaining({ kind: "gave-up", records: 1, key }));

  const object = await s3.send(new GetObjectCommand({ Bucket: "failures", Key: key }));
  const { payload, ...metadata } = JSON.parse(await object.Body!.transformToString()) as { payload: string };
  const arrived = expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/) as unknown;
  expect(metadata).toEqual({
    requestContext: {
      requestId: expect.stringMatching(/^[0-9a-f-]{36}$/),
      functionArn: pipe.fn.arn,
      condition: "RetryAttemptsExhausted",
      // Of 10, 5, 5... down to the one, and the one again: splits are invocations, but no retries.
      approximateInvokeCount: tried.filter((batch) => batch.includes("e")).length,
    },
    responseContext: { statusCode: 200, executedVersion: "$LATEST", functionError: "Unhandled" },
    version: "1.0",
    timestamp: arrived,
    KinesisBatchInfo: {
      shardId: "shardId-000000000000",
      startSequenceNumber: sequenceNumbers[4],
      endSequenceNumber: sequenceNumbers[4],
      approximateArrivalOfFirstRecord: arrived,
      approximateArrivalOfLastRecord: arrived,
      batchSize: 1,
      streamArn: `arn:aws:kinesis:us-east-1:000000000000:stream/${pipe.streamName}`,
    },
  });
  const lastGiven = (await pipe.seen()).findLast(
    ({ Records }) => Records[0]!.kinesis["partitionKey"] === "e",
  );
  expect(JSON.parse(payload)).toEqual(lastGiven);
  expect(pipe.mapping.status()).toMatchObject([{ checkpoint: sequenceNumbers[9], dropped: 1 }]);
});

test("records before the first one reported are not sent again", async () => {
  const pipe = await new Pipe().createStream(1);
  await pipe.put(...letters);
  await pipe.start({ retryAttempts: 1 }, { CHOKES: "ei", REPORTS: "yes" });
  await pipe.mapping.drained();
  const rest = letters.slice(4);
  expect(await pipe.batches()).toEqual([letters, rest]);
  expect(pipe.events).toContainEqual(expect.objectContaining({ kind: "gave-up", records: rest.length }));
});

test("a batch the function has no room for is neither lost nor counted as a retry", async () => {
  const mayGoOn = join(root, randomUUID());
  const pipe = await new Pipe().createStream(2);
  await pipe.put(...letters);
  await pipe.start({ retryAttempts: 0 }, { HANG_UNLESS: mayGoOn }, { concurrency: 1 });
  await eventually(() => pipe.events).toContainEqual(
    expect.objectContaining({ kind: "invoked", outcome: "throttled" }),
  );
  await eventually(() => pipe.batches()).toHaveLength(1);
  await writeFile(mayGoOn, "");
  process.kill(pipe.fn.pids[0]!, "SIGKILL");
  await pipe.mapping.drained();
  const dropped = pipe.mapping.status().reduce((sum, shard) => sum + shard.dropped, 0);
  const texts = (await pipe.batches()).flat();
  // The killed batch had its one attempt; the throttled one still had its own.
  expect(new Set(texts)).toEqual(new Set(letters));
  expect(pipe.mapping.status().filter((shard) => shard.dropped > 0)).toHaveLength(1);
  expect(dropped).toBeLessThan(letters.length);
});

test("after a split, children begin once their parent is done, and nothing is lost or out of order", async () => {
  const pipe = await new Pipe().createStream(1);
  await pipe.put(...letters);
  await kinesis.send(
    new SplitShardCommand({
      StreamName: pipe.streamName,
      ShardToSplit: "shardId-000000000000",
      NewStartingHashKey: (2n ** 127n).toString(),
    }),
  );
  await pipe.untilActive();
  const later = "klmnopqrst".split("");
  await pipe.put(...later);
  const mayGoOn = join(root, randomUUID());
  await pipe.start({ batchSize: 4 }, { HANG_UNLESS: mayGoOn });
  await eventually(() => pipe.batches()).toHaveLength(1);
  expect(pipe.mapping.status().map(({ shardId }) => shardId)).toEqual(["shardId-000000000000"]);
  await writeFile(mayGoOn, "");
  process.kill(pipe.fn.pids[0]!, "SIGKILL");
  await pipe.mapping.drained();

  const texts = (await pipe.batches()).slice(1).flat();
  expect(texts.slice(0, 10)).toEqual(letters);
  expect(texts.slice(10).toSorted()).toEqual(later);
  expect(pipe.events).toContainEqual({ kind: "shard-closed", shardId: "shardId-000000000000" });
  expect(pipe.mapping.status()).toHaveLength(3);
});

test("a mapping that is stopped reads and invokes nothing, and goes on where it was", async () => {
  const pipe = await new Pipe().createStream(1);
  await pipe.put("a");
  await pipe.start();
  await pipe.mapping.drained();
  pipe.mapping.enable(false);
  await eventually(() => pipe.mapping.state).toBe("Disabled");
  await pipe.put("b", "c");
  // Two of its polls.
  await new Promise((resolve) => setTimeout(resolve, 2_100));
  expect(await pipe.batches()).toEqual([["a"]]);
  pipe.mapping.enable(true);
  await pipe.mapping.drained();
  expect((await pipe.batches()).flat()).toEqual(["a", "b", "c"]);
  await eventually(() => pipe.mapping.state).toBe("Enabled");
});

test("a mapping that starts at the latest record sees those put afterwards, and no others", async () => {
  const pipe = await new Pipe().createStream(1);
  await pipe.put("old");
  await pipe.start({ startingPosition: "LATEST" });
  await pipe.put("new");
  await pipe.mapping.drained();
  expect((await pipe.batches()).flat()).toEqual(["new"]);
});

test("draining does not wait for the batching window, and stopping not for an invocation", async () => {
  const pipe = await new Pipe().createStream(1);
  await pipe.start({ windowSeconds: 300 });
  await pipe.put("a");
  await pipe.mapping.drained();
  expect(await pipe.batches()).toEqual([["a"]]);

  const hanging = await new Pipe().createStream(1);
  await hanging.put("a");
  await hanging.start({}, { HANG_UNLESS: "/nowhere/at/all" });
  await eventually(() => hanging.batches()).toHaveLength(1);
  const drained = hanging.mapping.drained();
  await hanging.mapping.stop();
  await expect(drained).rejects.toThrow(/abort/i);
});
