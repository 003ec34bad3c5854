import { execFile } from "node:child_process";
import { randomBytes, randomUUID } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer, request, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { zstdCompressSync } from "node:zlib";
import { GetObjectCommand, ListObjectsV2Command, S3Client } from "@aws-sdk/client-s3";
import type { KinesisStreamBatchResponse, KinesisStreamEvent } from "aws-lambda";
import { startFauxqs, type FauxqsServer } from "fauxqs";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { Router } from "../../lambdas/router/router.ts";
import { writeBatch } from "../../lambdas/router/write-batch.ts";
import { writeHandler } from "../../lib/handler-code.ts";
import { parseCommit } from "../../wire/commit.ts";
import { objectDigest, parseCommitKey } from "../../wire/keys.ts";
import { aggregate, configOf, RAW, streamRecord } from "./batch-fixture.ts";

const HANDLER = fileURLToPath(new URL("../../lambdas/router/handler.ts", import.meta.url));

/** Stands before the S3 API and answers in its place where `fault` says so. */
let fault: ((incoming: IncomingMessage, outgoing: ServerResponse) => boolean) | undefined;
let puts: string[] = [];

let fauxqs: FauxqsServer;
let proxy: Server;
let s3: S3Client;
let folder: string;
let lakes = 0;
let lake: string;

beforeAll(async () => {
  fauxqs = await startFauxqs({ port: 0, logger: false });
  // A client that uses a connection again in the moment in which it is closed for idleness gets a reset.
  proxy = createServer({ keepAliveTimeout: 0 }, (incoming, outgoing) => {
    if (incoming.method === "PUT") puts.push(incoming.url!);
    if (fault?.(incoming, outgoing)) return;
    const { method, url: path, headers } = incoming;
    const onward = request(
      { port: fauxqs.port, host: "127.0.0.1", method, path, headers, agent: false },
      (answer) => {
        outgoing.writeHead(answer.statusCode!, answer.headers);
        answer.pipe(outgoing);
      },
    );
    onward.on("error", () => outgoing.destroy());
    incoming.pipe(onward);
  });
  await new Promise<void>((resolve) => proxy.listen(0, "127.0.0.1", resolve));
  s3 = new S3Client({
    endpoint: `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`,
    region: "us-east-1",
    credentials: { accessKeyId: "local", secretAccessKey: "local" },
    maxAttempts: 1,
  });
  folder = await mkdtemp(join(tmpdir(), "weir-router-"));
});

afterAll(async () => {
  s3.destroy();
  proxy.closeAllConnections();
  proxy.close();
  await fauxqs.stop();
  await rm(folder, { recursive: true, force: true });
});

afterEach(() => {
  fault = undefined;
  puts = [];
});

function newLake(): void {
  lake = `lake-${lakes++}`;
  fauxqs.createBucket(lake);
}

async function keys(): Promise<string[]> {
  const { Contents = [] } = await s3.send(new ListObjectsV2Command({ Bucket: lake }));
  return Contents.map(({ Key }) => Key!);
}

async function body(key: string): Promise<Buffer> {
  const { Body } = await s3.send(new GetObjectCommand({ Bucket: lake, Key: key }));
  return Buffer.from(await Body!.transformToByteArray());
}

function answer(status: number, code: string): typeof fault {
  return (incoming, outgoing) => {
    if (incoming.method !== "PUT") return false;
    incoming.resume();
    outgoing.writeHead(status, { "content-type": "application/xml" });
    outgoing.end(`<Error><Code>${code}</Code><Message>${code}</Message></Error>`);
    return true;
  };
}

const routed = new Router(configOf([RAW])).route([
  streamRecord(
    aggregate([
      { tag: "raw", data: "x" },
      { tag: "nobody", data: "y" },
    ]),
    1,
  ),
  streamRecord(Buffer.from([0xf3, 0x89, 0x9a, 0xc2, 0]), 2),
]);
const NOW = new Date("2026-11-21T10:00:30Z");
const patient = () => new AbortController().signal;

describe("writing a batch", () => {
  test("puts every object as it is, and the commit last", async () => {
    newLake();
    const written = await writeBatch(s3, lake, routed, NOW, patient());
    const digest = objectDigest(Buffer.from(JSON.stringify(routed.commit)));
    const commitKey = `commits/2026/11/21/10/00/${routed.commit.batchId}-${digest}.json`;
    expect(written).toEqual({ committed: commitKey });
    expect(puts).toHaveLength(4);
    expect(puts.at(-1)).toContain(commitKey);
    for (const object of routed.objects) expect(await body(object.key)).toEqual(Buffer.from(object.body));
    expect(parseCommit((await body(commitKey)).toString(), commitKey)).toEqual(routed.commit);
    expect(parseCommitKey(commitKey)).toMatchObject(routed.id);
    for (const key of await keys()) expect(key).toContain(objectDigest(await body(key)));
  });

  test.each([
    ["a 500", answer(500, "InternalError")],
    ["a 503", answer(503, "SlowDown")],
    ["a 429", answer(429, "TooManyRequests")],
    [
      "a reset",
      (incoming: IncomingMessage) => incoming.method === "PUT" && Boolean(incoming.socket.destroy()),
    ],
  ])("is to be tried again after %s, and writes no commit", async (_what, failing) => {
    newLake();
    fault = (incoming, outgoing) => incoming.url!.includes("/rejected/") && failing!(incoming, outgoing);
    expect(await writeBatch(s3, lake, routed, NOW, patient())).toMatchObject({
      retry: { code: "SINK_FAILED" },
    });
    expect((await keys()).filter((key) => key.startsWith("commits/"))).toEqual([]);
    fault = undefined;
    expect(await writeBatch(s3, lake, routed, NOW, patient())).toHaveProperty("committed");
    expect(await keys()).toHaveLength(4);
  });

  test("is to be tried again when its time is up", async () => {
    newLake();
    fault = (incoming) => incoming.method === "PUT";
    const written = writeBatch(s3, lake, routed, NOW, AbortSignal.timeout(50));
    expect(await written).toMatchObject({ retry: { code: "SINK_FAILED" } });
  });

  test.each([
    ["no such bucket", undefined, "no-such-lake"],
    ["no permission", answer(403, "AccessDenied"), undefined],
  ])("fails for good where there is %s, and names bucket and key", async (_what, failing, bucket) => {
    newLake();
    fault = failing;
    const written = writeBatch(s3, bucket ?? lake, routed, NOW, patient());
    await expect(written).rejects.toMatchObject({
      code: "SINK_REFUSED",
      message: expect.stringMatching(
        new RegExp(`s3://${bucket ?? lake}/(data|rejected|quarantine)/.*(NoSuchBucket|AccessDenied)`),
      ),
    });
  });
});

describe("the bundled handler", () => {
  let handle: (event: KinesisStreamEvent, context: object) => Promise<KinesisStreamBatchResponse>;
  const context = { getRemainingTimeInMillis: () => 30_000 };

  beforeAll(async () => {
    newLake();
    vi.stubEnv("WEIR_LAKE_BUCKET", lake);
    vi.stubEnv("AWS_ENDPOINT_URL_S3", `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`);
    vi.stubEnv("AWS_REGION", "us-east-1");
    vi.stubEnv("AWS_ACCESS_KEY_ID", "local");
    vi.stubEnv("AWS_SECRET_ACCESS_KEY", "local");
    vi.stubEnv("AWS_MAX_ATTEMPTS", "2");
    writeHandler(HANDLER, folder, configOf([RAW], { router: { memoryMb: 256 } }));
    ({ handler: handle } = (await import(pathToFileURL(join(folder, "index.mjs")).href)) as {
      handler: typeof handle;
    });
  });

  afterAll(() => vi.unstubAllEnvs());

  /** What the handler wrote to standard output, a JSON document a line. */
  let logged: Record<string, unknown>[];
  /** And to standard error. */
  let warned: string[];

  beforeEach(() => {
    logged = [];
    vi.spyOn(process.stdout, "write").mockImplementation((text) => {
      logged.push(JSON.parse(String(text)) as Record<string, unknown>);
      return true;
    });
    warned = [];
    vi.spyOn(process.stderr, "write").mockImplementation((text) => {
      warned.push(String(text));
      return true;
    });
  });

  afterEach(() => vi.restoreAllMocks());

  function eventOf(
    records: readonly Uint8Array[],
    arn = "arn:aws:kinesis:us-east-1:0:stream/logs",
  ): KinesisStreamEvent {
    return {
      Records: records.map((data, i) => ({
        kinesis: {
          kinesisSchemaVersion: "1.0",
          partitionKey: "raw",
          sequenceNumber: `${4_900 + i}`,
          data: Buffer.from(data).toString("base64"),
          approximateArrivalTimestamp: 1_795_255_200.987,
        },
        eventSource: "aws:kinesis",
        eventVersion: "1.0",
        eventID: `shardId-000000000003:${4_900 + i}`,
        eventName: "aws:kinesis:record",
        invokeIdentityArn: "arn:aws:iam::0:role/router",
        awsRegion: "us-east-1",
        eventSourceARN: arn,
      })),
    };
  }

  test("files good and bad records of one event, and reports no failure", async () => {
    const event = eventOf([
      Buffer.from("plain"),
      aggregate([{ tag: "raw", data: "x" }]),
      Buffer.from([0xf3, 0x89, 0x9a, 0xc2]),
    ]);
    expect(await handle(event, context)).toEqual({ batchItemFailures: [] });
    const commitKey = (await keys()).find((key) => key.startsWith("commits/"))!;
    expect(parseCommit((await body(commitKey)).toString(), commitKey)).toMatchObject({
      origin: "shardId-000000000003",
      firstSequenceNumber: "4900",
      lastSequenceNumber: "4902",
      arrivedFrom: "2026-11-21T10:00:00.987Z",
      types: { raw: { rows: 2, foreignRows: 1 } },
    });
    const metrics = logged.filter((line) => "_aws" in line);
    expect(metrics).toMatchObject([
      {
        Lines: 2,
        Rows: 2,
        Rejected: 0,
        Duplicates: 0,
        Quarantined: 1,
        Conflicts: 0,
        Unrouted: 0,
        UserRecords: 2,
      },
      { type: "raw", Lines: 2, Rows: 2 },
    ]);
    const directive = { CloudWatchMetrics: [{ Namespace: "Weir", Dimensions: [["service"]] }] };
    expect(metrics[0]).toMatchObject({ _aws: directive });
  });

  test("logs, counts and puts no more for many bad records and tags than for a few", async () => {
    const bad = Buffer.from([0xf3, 0x89, 0x9a, 0xc2]);
    const tagged = Array.from({ length: 40 }, (_, i) =>
      aggregate([{ tag: randomUUID(), data: "x", offset: i * 2 }]),
    );
    const claims = Array.from({ length: 40 }, (_, i) =>
      aggregate([{ tag: "raw", data: "x", source: { id: "same", host: `web-${i}`, path: "/x" } }]),
    );
    const event = eventOf([...Array.from({ length: 40 }, () => bad), ...tagged, ...claims]);
    expect(await handle(event, context)).toEqual({ batchItemFailures: [] });
    const folders = puts.map((url) => url.split("/")[2]);
    expect(folders).toHaveLength(4);
    expect(new Set(folders)).toEqual(new Set(["data", "rejected", "quarantine", "commits"]));
    expect(warned.map((line) => JSON.parse(line) as unknown)).toMatchObject([
      {
        message: "quarantined records",
        count: 40,
        sequenceNumbers: ["4900", "4901", "4902", "4903", "4904"],
        error: { code: "TRUNCATED" },
      },
      { message: "sources that more than one host claims", count: 1, first: [{ id: "same" }] },
      {
        message: "sources with lines that claim the same bytes",
        count: 39,
        first: Array.from({ length: 5 }, () => ({ id: "same", conflicts: 1 })),
      },
    ]);
    const metrics = logged.filter((line) => "_aws" in line);
    expect(metrics.map(({ type }) => type)).toEqual([undefined, "_unrouted", "raw"]);
    expect(metrics[0]).toMatchObject({ Quarantined: 40, Unrouted: 40, ContestedSources: 1, Conflicts: 39 });
    for (const line of [...warned, ...logged]) expect(JSON.stringify(line).length).toBeLessThan(4_000);
  });

  test("asks for the whole batch again while the lake is down", async () => {
    fault = answer(503, "SlowDown");
    const answered = await handle(eventOf([Buffer.from("a"), Buffer.from("b")]), context);
    expect(answered).toEqual({ batchItemFailures: [{ itemIdentifier: "4900" }] });
  });

  test("asks for the rest again when memory would not hold it", async () => {
    const line = () => ({ tag: "raw", data: randomBytes(30_000).toString("hex") });
    const large = zstdCompressSync(aggregate(Array.from({ length: 300 }, line)));
    expect(await handle(eventOf([large, large]), context)).toEqual({
      batchItemFailures: [{ itemIdentifier: "4901" }],
    });
  });

  test("refuses a mapping of a fan-out consumer, and takes an event without records", async () => {
    const consumer = "arn:aws:kinesis:us-east-1:0:stream/logs/consumer/c:1";
    await expect(handle(eventOf([Buffer.from("a")], consumer), context)).rejects.toThrow(
      /map the stream's own ARN/,
    );
    expect(await handle({ Records: [] }, context)).toEqual({ batchItemFailures: [] });
  });

  test("does not start without a bucket", async () => {
    const started = promisify(execFile)(process.execPath, [join(folder, "index.mjs")], { env: {} });
    await expect(started).rejects.toThrow(/WEIR_LAKE_BUCKET is not set/);
  });
});
