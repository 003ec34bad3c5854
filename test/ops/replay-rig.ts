import { randomUUID } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { zstdDecompressSync } from "node:zlib";
import {
  CreateStreamCommand,
  GetRecordsCommand,
  DescribeStreamSummaryCommand,
  KinesisClient,
  PutRecordCommand,
  SplitShardCommand,
} from "@aws-sdk/client-kinesis";
import {
  CreateBucketCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
} from "@aws-sdk/client-s3";
import { NodeHttpHandler } from "@smithy/node-http-handler";
import type { KinesisStreamEvent } from "aws-lambda";
import { expect } from "vitest";
import { Router } from "../../lambdas/router/router.ts";
import { streamRecords, type StreamRecord } from "../../lambdas/router/stream-record.ts";
import { writeBatch } from "../../lambdas/router/write-batch.ts";
import { startKinesis } from "../../local/kinesis.ts";
import { failure, type InvokeResult } from "../../local/lambda/invoke-result.ts";
import { type Mapping, startMapping } from "../../local/mapping/mapping.ts";
import type { MappingSettings } from "../../local/mapping/settings.ts";
import type { Part } from "../../local/part.ts";
import { startS3 } from "../../local/s3.ts";
import { AccessError } from "../../ops/access/access-error.ts";
import type { Outcome } from "../../ops/access/place-command.ts";
import type { Place } from "../../ops/access/place.ts";
import type { ReplayArguments } from "../../ops/replay/command.ts";
import { runReplay } from "../../ops/replay/run.ts";
import { type Commit, parseCommit } from "../../wire/commit.ts";
import { LAMBDA_PAYLOAD_MAX_BYTES } from "../../wire/limits.ts";
import { configOf, RAW } from "../router/batch-fixture.ts";
import { EVENT_MS } from "../time-limits.ts";

const CONFIG = configOf([RAW]);
const FUNCTION = "arn:aws:lambda:us-east-1:000000000000:function:router";

const SETTINGS: MappingSettings = {
  batchSize: 100,
  windowSeconds: 0,
  bisect: false,
  retryAttempts: 0,
  maxRecordAgeSeconds: -1,
  reportBatchItemFailures: true,
  startingPosition: "TRIM_HORIZON",
};

/** Kinesis and S3 for the tests of a file. */
export class ReplayCloud implements AsyncDisposable {
  readonly s3: S3Client;
  readonly kinesis: KinesisClient;
  readonly #parts: readonly Part[];
  readonly #dir: string;

  private constructor(parts: readonly [Part, Part], dir: string) {
    const shared = { region: "us-east-1", credentials: { accessKeyId: "local", secretAccessKey: "local" } };
    const [kinesis, s3] = parts;
    this.kinesis = new KinesisClient({
      ...shared,
      endpoint: kinesis.endpoint,
      requestHandler: new NodeHttpHandler(),
    });
    this.s3 = new S3Client({ ...shared, endpoint: s3.endpoint, forcePathStyle: true });
    this.#parts = parts;
    this.#dir = dir;
  }

  static async start(): Promise<ReplayCloud> {
    const dir = await mkdtemp(join(tmpdir(), "weir-replay-"));
    const parts = await Promise.all([
      startKinesis({ streams: [] }),
      startS3({ buckets: [], dataDir: join(dir, "s3") }),
    ]);
    return new ReplayCloud(parts, dir);
  }

  /** A stream, a lake and a failure bucket of their own. */
  async pipe(shards = 1): Promise<ReplayPipe> {
    const name = `p${randomUUID()}`;
    await this.kinesis.send(new CreateStreamCommand({ StreamName: name, ShardCount: shards }));
    for (const Bucket of [`${name}-lake`, `${name}-failures`]) {
      await this.s3.send(new CreateBucketCommand({ Bucket }));
    }
    const pipe = new ReplayPipe(this, name);
    await pipe.untilActive();
    return pipe;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.kinesis.destroy();
    this.s3.destroy();
    await Promise.all(this.#parts.map((part) => part.stop()));
    await rm(this.#dir, { recursive: true });
  }
}

/** Says what a batch makes the router throw, if anything. */
type Fault = (texts: readonly string[]) => string | undefined;

/** A stream with the router's own core behind it, as a pipeline that commands work on. */
export class ReplayPipe {
  readonly stream: string;
  readonly lake: string;
  readonly failures: string;
  /** What the router fails on. */
  fault: Fault = () => undefined;
  /** What becomes of a GetRecords of a replay: "empty" page, "one" record alone, or an error of this name. */
  kinesisFault: () => string | undefined = () => undefined;
  /** Invoke fails once the router has dealt with this record. */
  loseAnswerOf: string | undefined;
  /** What comes of the next invocations: the router is "busy", takes nothing for now ("retry"), or the first two ("two"). */
  readonly answers: ("busy" | "retry" | "two")[] = [];
  /** Batches that the router was handed by Invoke, and not by the mapping. */
  readonly invoked: string[][] = [];
  readonly #cloud: ReplayCloud;
  readonly #router = new Router(CONFIG);
  #commits = 0;

  constructor(cloud: ReplayCloud, name: string) {
    this.#cloud = cloud;
    this.stream = name;
    this.lake = `${name}-lake`;
    this.failures = `${name}-failures`;
  }

  get streamArn(): string {
    return `arn:aws:kinesis:us-east-1:000000000000:stream/${this.stream}`;
  }

  get place(): Place {
    const { s3, kinesis } = this.#cloud;
    const mapping = {
      status: async () => ({
        uuid: "m",
        state: "Enabled",
        streamArn: this.streamArn,
        functionArn: FUNCTION,
        batchSize: SETTINGS.batchSize,
        maxRecordAgeSeconds: undefined,
      }),
    };
    return {
      title: this.stream,
      s3,
      bucket: this.lake,
      failureBucket: this.failures,
      kinesis: this.#faultyKinesis(kinesis),
      stream: this.stream,
      mapping,
      invokeRouter: (event: object) => this.#invokedByName(event),
    } as unknown as Place;
  }

  #faultyKinesis(kinesis: KinesisClient): object {
    const send = async (command: object): Promise<object> => {
      const real = (input: object): Promise<object> => kinesis.send(input as GetRecordsCommand);
      if (!(command instanceof GetRecordsCommand)) return real(command);
      const { ShardIterator } = command.input;
      const fault = this.kinesisFault();
      if (fault === "empty")
        return { Records: [], NextShardIterator: ShardIterator, MillisBehindLatest: 5_000 };
      if (fault === "one") return real(new GetRecordsCommand({ ShardIterator, Limit: 1 }));
      if (fault !== undefined) throw Object.assign(new Error(fault), { name: fault });
      return real(command);
    };
    return { send };
  }

  replay(options: Partial<ReplayArguments>): Promise<Outcome> {
    return this.plan({ yes: true, ...options });
  }

  /** Asks, or says what would be done. */
  plan(options: Partial<ReplayArguments>): Promise<Outcome> {
    return runReplay(this.place, { config: "", done: "move", ...options }, async () => CONFIG);
  }

  async untilActive(): Promise<void> {
    const StreamName = this.stream;
    await expect
      .poll(async () => {
        const reply = await this.#cloud.kinesis.send(new DescribeStreamSummaryCommand({ StreamName }));
        return reply.StreamDescriptionSummary?.StreamStatus;
      })
      .toBe("ACTIVE");
  }

  /** One record after the other. @param hashKey says the shard; the lowest one if absent */
  async put(texts: readonly (string | Uint8Array)[], hashKey = 0n): Promise<string[]> {
    const sequenceNumbers: string[] = [];
    for (const text of texts) {
      const command = new PutRecordCommand({
        StreamName: this.stream,
        PartitionKey: "raw",
        ExplicitHashKey: `${hashKey}`,
        Data: Buffer.from(text as string),
      });
      sequenceNumbers.push((await this.#cloud.kinesis.send(command)).SequenceNumber!);
    }
    return sequenceNumbers;
  }

  async split(shardId: string, hashKey: bigint): Promise<void> {
    const command = new SplitShardCommand({
      StreamName: this.stream,
      ShardToSplit: shardId,
      NewStartingHashKey: `${hashKey}`,
    });
    await this.#cloud.kinesis.send(command);
    await this.untilActive();
  }

  /** Runs the mapping until all that is in the stream is in the lake, or given up. */
  async drain(settings: Partial<MappingSettings> = {}): Promise<void> {
    const mapping = await this.#map(settings);
    await mapping.drained();
    await mapping.stop();
  }

  #map(settings: Partial<MappingSettings>): Promise<Mapping> {
    return startMapping({
      kinesis: this.#cloud.kinesis,
      s3: this.#cloud.s3,
      streamName: this.stream,
      streamArn: this.streamArn,
      functionArn: FUNCTION,
      settings: { ...SETTINGS, failureDestinationBucket: this.failures, ...settings },
      invoke: async (payload): Promise<InvokeResult> => {
        try {
          const answer = await this.#route(JSON.parse(payload) as KinesisStreamEvent);
          return { ok: true, requestId: randomUUID(), payload: JSON.stringify(answer) };
        } catch (error) {
          return failure(randomUUID(), "Error", (error as Error).message);
        }
      },
    });
  }

  async #invokedByName(event: object): Promise<unknown> {
    const payload = JSON.stringify(event);
    expect(Buffer.byteLength(payload)).toBeLessThanOrEqual(LAMBDA_PAYLOAD_MAX_BYTES);
    const parsed = JSON.parse(payload) as KinesisStreamEvent;
    const texts = textsOf(streamRecords(parsed));
    this.invoked.push(texts);
    const next = this.answers.shift();
    if (next === "busy") throw Object.assign(new Error(next), { name: "TooManyRequestsException" });
    if (next === "retry") return comesAgain(parsed.Records[0]!.kinesis.sequenceNumber);
    if (next === "two") {
      await this.#route({ Records: parsed.Records.slice(0, 2) });
      return comesAgain(parsed.Records[2]!.kinesis.sequenceNumber);
    }
    const answer = await this.#route(parsed).catch((error: Error) => {
      throw new AccessError("FUNCTION_FAILED", error.message);
    });
    if (this.loseAnswerOf === undefined || !texts.includes(this.loseAnswerOf)) return answer;
    this.loseAnswerOf = undefined;
    throw new Error("the answer is lost");
  }

  /** What the router's handler does. */
  async #route(event: KinesisStreamEvent): Promise<object> {
    const records = streamRecords(event);
    const fault = this.fault(textsOf(records));
    if (fault !== undefined) throw new Error(fault);
    const routed = this.#router.route(records);
    this.#commits++;
    const written = await writeBatch(
      this.#cloud.s3,
      this.lake,
      routed,
      new Date(),
      AbortSignal.timeout(EVENT_MS),
    );
    if ("retry" in written) return comesAgain(records[0]!.sequenceNumber);
    return routed.next === undefined ? { batchItemFailures: [] } : comesAgain(routed.next);
  }

  async keys(bucket: string, Prefix = ""): Promise<string[]> {
    const list = await this.#cloud.s3.send(new ListObjectsV2Command({ Bucket: bucket, Prefix }));
    return (list.Contents ?? []).map(({ Key }) => Key!);
  }

  async read(bucket: string, Key: string): Promise<Buffer> {
    const { Body } = await this.#cloud.s3.send(new GetObjectCommand({ Bucket: bucket, Key }));
    return Buffer.from(await Body!.transformToByteArray());
  }

  async putFailure(key: string, body: string | object): Promise<string> {
    const Body = Buffer.from(typeof body === "string" ? body : JSON.stringify(body));
    const Key = key.startsWith("aws/") ? key : `aws/lambda/m/${key}`;
    const object = { Bucket: this.failures, Key, Body, ContentLength: Body.length };
    await this.#cloud.s3.send(new PutObjectCommand(object));
    return Key;
  }

  async failureRecords(): Promise<Record<string, Record<string, unknown>>> {
    const keys = await this.keys(this.failures, "aws/lambda/");
    const bodies = await Promise.all(keys.map((key) => this.read(this.failures, key)));
    return Object.fromEntries(
      keys.map((key, i) => [key, JSON.parse(bodies[i]!.toString()) as Record<string, unknown>]),
    );
  }

  async commits(): Promise<Commit[]> {
    const keys = await this.keys(this.lake, "commits/");
    const bodies = await Promise.all(keys.map((key) => this.read(this.lake, key)));
    return keys.map((key, i) => parseCommit(bodies[i]!.toString(), key));
  }

  /** The lines of all commits, each with where its record stands, in order. */
  async lines(): Promise<string[]> {
    const objects = (await this.commits()).flatMap((commit) => commit.objects);
    const bodies = await Promise.all(objects.map(({ key }) => this.read(this.lake, key)));
    return bodies
      .flatMap((body) => zstdDecompressSync(body).toString().split("\n").filter(Boolean))
      .map((line) => JSON.parse(line) as { _src: string; line: string })
      .map(({ line }) => line)
      .toSorted();
  }

  /** No commit goes over a record of another one, nor over one that none has. */
  async expectRuns(sequenceNumbers: readonly string[], shardId = "shardId-000000000000"): Promise<void> {
    const commits = (await this.commits()).filter(({ origin }) => origin === shardId);
    for (const { firstSequenceNumber, lastSequenceNumber, records } of commits) {
      const within = sequenceNumbers.filter(
        (one) => BigInt(one) >= BigInt(firstSequenceNumber) && BigInt(one) <= BigInt(lastSequenceNumber),
      );
      expect(within).toHaveLength(records);
    }
  }

  get routed(): number {
    return this.#commits;
  }
}

const comesAgain = (itemIdentifier: string): object => ({ batchItemFailures: [{ itemIdentifier }] });

const textsOf = (records: readonly StreamRecord[]): string[] =>
  records.map(({ data }) => Buffer.from(data).toString());
