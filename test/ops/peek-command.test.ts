import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import {
  DescribeStreamSummaryCommand,
  KinesisClient,
  ListShardsCommand,
  MergeShardsCommand,
  PutRecordCommand,
  SplitShardCommand,
} from "@aws-sdk/client-kinesis";
import { NodeHttpHandler } from "@smithy/node-http-handler";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { bareEnvironment } from "../bare-environment.ts";
import { startKinesis } from "../../local/kinesis.ts";
import type { Part } from "../../local/part.ts";
import { CLOUD_FILE, type CloudFile } from "../../wire/cloud-file.ts";
import { aggregate } from "../router/batch-fixture.ts";
import { EVENT_MS } from "../time-limits.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const STREAMS = ["past", "live"] as const;

let kinesis: Part;
let client: KinesisClient;
let answering: Server;
/** By stream: folders of clouds that have nothing but a stream. */
const dirs: Record<string, string> = {};

beforeAll(async () => {
  kinesis = await startKinesis({ streams: STREAMS.map((name) => ({ name, shards: 1 })) });
  const credentials = { accessKeyId: "local", secretAccessKey: "local" };
  const requestHandler = new NodeHttpHandler();
  client = new KinesisClient({
    endpoint: kinesis.endpoint,
    region: "us-east-1",
    credentials,
    requestHandler,
  });
  answering = createServer((_, response) => response.end(JSON.stringify({ id: "peek" })));
  answering.listen(0, "127.0.0.1");
  await once(answering, "listening");
  const lambda = `http://127.0.0.1:${(answering.address() as AddressInfo).port}`;
  for (const stream of STREAMS) {
    const dir = await mkdtemp(join(tmpdir(), "weir-peek-"));
    const cloud: CloudFile = {
      version: 1,
      id: "peek",
      pid: process.pid,
      region: "us-east-1",
      endpoints: { s3: lambda, kinesis: kinesis.endpoint, lambda },
      buckets: { lake: "lake", failures: "failures" },
      stream,
      functions: { router: "router", sequencer: "sequencer" },
    };
    await writeFile(join(dir, CLOUD_FILE), JSON.stringify(cloud));
    dirs[stream] = dir;
  }
});
afterAll(async () => {
  client?.destroy();
  answering?.close();
  await kinesis?.stop();
  for (const dir of Object.values(dirs)) await rm(dir, { recursive: true });
});

async function put(StreamName: string, Data: Uint8Array | string, PartitionKey = "p"): Promise<string> {
  const input = { StreamName, PartitionKey, Data: Buffer.from(Data) };
  return (await client.send(new PutRecordCommand(input))).SequenceNumber!;
}

function peek(stream: string, ...args: string[]): ChildProcessWithoutNullStreams {
  return spawn(process.execPath, ["bin/weir.ts", "peek", "--local", dirs[stream]!, ...args], {
    cwd: ROOT,
    env: bareEnvironment(),
  });
}

async function ended(child: ChildProcessWithoutNullStreams) {
  const [stdout, stderr, [code]] = await Promise.all([
    // It ends early where the test is about whoever reads no more.
    text(child.stdout).catch(() => ""),
    text(child.stderr),
    once(child, "exit") as Promise<[number]>,
  ]);
  return { stdout, stderr, code };
}

/** Resolves once it reads: what is put from then on is shown. */
async function following(child: ChildProcessWithoutNullStreams): Promise<void> {
  let said = "";
  await new Promise<void>((resolve, reject) => {
    child.stderr.on("data", (chunk: Buffer) => {
      if ((said += chunk.toString()).includes("from now on")) resolve();
    });
    child.once("exit", () => reject(new Error(said)));
  });
}

const openShards = async (StreamName: string): Promise<string[]> => {
  const { Shards = [] } = await client.send(new ListShardsCommand({ StreamName }));
  return Shards.filter(({ SequenceNumberRange: range }) => range?.EndingSequenceNumber === undefined).map(
    ({ ShardId }) => ShardId!,
  );
};

/** Resolves once the stream has so many open shards, and can be changed again. */
const resharded = (StreamName: string, shards: number): Promise<void> =>
  vi.waitFor(async () => {
    const summary = await client.send(new DescribeStreamSummaryCommand({ StreamName }));
    expect(summary.StreamDescriptionSummary?.StreamStatus).toBe("ACTIVE");
    expect(await openShards(StreamName)).toHaveLength(shards);
  }, EVENT_MS);

test("what is on the stream is shown event by event, and what cannot be opened is told and passed over", async () => {
  await put("past", aggregate(["one", "two", "three"].map((data) => ({ tag: "access", data }))));
  const corrupt = await put(
    "past",
    Buffer.concat([aggregate([{ tag: "access", data: "x" }]), Buffer.from("!")]),
  );
  await put("past", gzipSync("four\nfive\n"), "photo");
  await put("past", aggregate([{ tag: "_weir.agent", data: "{}" }]));
  const all = ended(peek("past", "--since", "TRIM_HORIZON", "--no-follow"));
  const some = ended(
    peek(
      "past",
      "--since",
      "1h",
      "--no-follow",
      "--json",
      "--type",
      "access",
      "--grep",
      "^t",
      "--host",
      "web-*",
    ),
  );
  const { stdout, stderr, code } = await all;
  expect(stdout.replaceAll(/^\S+Z /gm, "")).toBe(
    "web-1 access one\nweb-1 access two\nweb-1 access three\n- photo four\n- photo five\n",
  );
  expect(stderr).toContain("stream past, 1 shard, from the oldest record on");
  expect(stderr).toContain(`shardId-000000000000 ${corrupt} cannot be opened`);
  expect(stderr).toMatch(/6 events seen in 4 records of 1 shard, 5 shown, 1 heartbeat not shown/);
  expect(code).toBe(1);
  const lines = (await some).stdout
    .split("\n")
    .slice(0, -1)
    .map((line) => JSON.parse(line) as object);
  expect(lines).toEqual([
    expect.objectContaining({ data: "two", host: "web-1", offset: 4, type: "access" }),
    expect.objectContaining({ data: "three", offset: 8 }),
    expect.objectContaining({
      sequenceNumber: corrupt,
      error: expect.objectContaining({ code: expect.any(String) }),
    }),
  ]);
});

test("a re-shard is followed: every event is shown once, and children's after their parents'", async () => {
  const child = peek("live", "--count", "60");
  const done = ended(child);
  await following(child);
  let next = 0;
  const some = async (): Promise<void> => {
    for (let i = 0; i < 20; i++) await put("live", `line ${next++}`, `key-${i % 5}`);
  };
  await some();
  const [parent] = await openShards("live");
  const NewStartingHashKey = `${2n ** 127n}`;
  await client.send(new SplitShardCommand({ StreamName: "live", ShardToSplit: parent, NewStartingHashKey }));
  await resharded("live", 2);
  await some();
  const [ShardToMerge, AdjacentShardToMerge] = await openShards("live");
  await client.send(new MergeShardsCommand({ StreamName: "live", ShardToMerge, AdjacentShardToMerge }));
  await resharded("live", 1);
  await some();
  const { stdout, stderr, code } = await done;
  const lines = stdout.split("\n").slice(0, -1);
  const numbers = lines.map((line) => Number(/line (\d+)$/.exec(line)?.[1]));
  expect(numbers.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 60 }, (_, i) => i));
  for (let key = 0; key < 5; key++) {
    const ofKey = numbers.filter((number) => number % 5 === key);
    expect(ofKey).toEqual(ofKey.toSorted((a, b) => a - b));
  }
  expect(stderr).toContain("60 shown");
  expect(code).toBe(0);
  // All four shards once more, from the oldest record on.
  const again = (await ended(peek("live", "--since", "TRIM_HORIZON", "--no-follow"))).stdout;
  expect(again.split("\n").toSorted()).toEqual(stdout.split("\n").toSorted());
});

test("it ends at once and with a summary at Ctrl-C, and in silence when nobody reads any more", async () => {
  const [stopped, unread] = [peek("live"), peek("live", "--since", "TRIM_HORIZON")];
  const [stopping, unreading] = [ended(stopped), ended(unread)];
  unread.stdout.once("data", () => unread.stdout.destroy());
  await following(stopped);
  stopped.kill("SIGINT");
  expect(await stopping).toMatchObject({ code: 0, stderr: expect.stringContaining("0 events seen") });
  // Whoever is gone is noticed with the next event.
  const more = setInterval(() => void put("live", "more").catch(() => {}), 300);
  const { code, stderr } = await unreading.finally(() => clearInterval(more));
  expect({ code, lines: stderr.trim().split("\n") }).toEqual({
    code: 0,
    lines: [expect.stringContaining("live")],
  });
});
