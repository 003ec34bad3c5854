import { GetObjectCommand, type S3Client } from "@aws-sdk/client-s3";
import { PublishCommand, SNSClient } from "@aws-sdk/client-sns";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { FLEET_LIMITS, STATE_KEY } from "../../lambdas/fleet/fleet-state.ts";
import type { Message } from "../../lambdas/fleet/message.ts";
import { type FleetParts, run } from "../../lambdas/fleet/run.ts";
import { type Alarm, startAlarmTopic } from "../../local/alarm-topic.ts";
import { FLEET_PAGE_KEY, fleetPageSchema } from "../../wire/fleet-page.ts";
import { commitKey, objectDigest, segmentKey } from "../../wire/keys.ts";
import { HEARTBEAT_TYPE } from "../../wire/log-type.ts";
import type { SegmentHead } from "../../wire/segment.ts";
import { ConditionalS3 } from "../commit-log/conditional-s3.ts";
import { heartbeatLine, report, routedBeats } from "../commit-log/heartbeat-fixture.ts";
import { commitOf, putObject, segmentOf } from "../commit-log/log-fixture.ts";
import { type Beat, beat, MINUTE, SETTINGS, START } from "./watched-fleet.ts";

const TOPIC = "arn:aws:sns:us-east-1:000000000000:Alarms";

let server: ConditionalS3;
let topic: Awaited<ReturnType<typeof startAlarmTopic>>;
let sns: SNSClient;
let s3: S3Client;
let bucket: string;
let alarms: Alarm[];
let warnings: string[];
let segments: number;
let read: string[];

beforeAll(async () => {
  server = await ConditionalS3.start();
  s3 = server.s3;
  topic = await startAlarmTopic((alarm) => alarms.push(alarm));
  const credentials = { accessKeyId: "local", secretAccessKey: "local" };
  sns = new SNSClient({ endpoint: topic.endpoint, region: "us-east-1", credentials, maxAttempts: 1 });
});
beforeEach(() => {
  bucket = server.newBucket();
  alarms = [];
  warnings = [];
  segments = 0;
  read = [];
  server.losesAnswer = ({ method, url = "", headers: { range } }) => {
    if (method === "GET") read.push(`${decodeURIComponent(url)} ${range ?? "all"}`);
    return false;
  };
});
afterAll(async () => {
  sns.destroy();
  topic.stop();
  await server[Symbol.asyncDispose]();
});

const publish = async ({ subject, body }: Message): Promise<void> => {
  await sns.send(new PublishCommand({ TopicArn: TOPIC, Subject: subject, Message: body }));
};

function tick(minute: number, changes: Partial<FleetParts> = {}) {
  const now = () => new Date(START + minute * MINUTE);
  const log = { warn: (message: string) => void warnings.push(message) };
  const parts = {
    s3,
    bucket,
    settings: SETTINGS,
    limits: FLEET_LIMITS,
    stack: "Weir",
    isTimeUp: () => false,
  };
  return run({ ...parts, now, publish, log, ...changes });
}

/** Puts a segment, with a commit of a router of what these agents sent, and that commit's objects. */
async function sequence(beats: readonly Beat[], head: Partial<SegmentHead> = {}): Promise<void> {
  segments++;
  const lines = beats.map(({ heartbeat }, i) => heartbeatLine(heartbeat, segments * 10_000_000 + i * 10_000));
  const arrivals = beats.map(({ arrivedAt }) => arrivedAt);
  const routed = routedBeats(lines, arrivals, { first: segments * 1_000 });
  for (const { key, body } of routed.objects) await putObject(s3, bucket, key, Buffer.from(body));
  const body = Buffer.from(JSON.stringify(routed.commit));
  const key = commitKey(arrivals.at(-1)!, routed.id, objectDigest(body));
  const sequencedAt = arrivals.at(-1)!.toISOString();
  const { bytes } = await segmentOf(segments, [{ key, body }], {
    types: [HEARTBEAT_TYPE],
    sequencedAt,
    ...head,
  });
  await putObject(s3, bucket, segmentKey(segments), bytes);
}

async function page() {
  const { Body } = await s3.send(new GetObjectCommand({ Bucket: bucket, Key: FLEET_PAGE_KEY }));
  return fleetPageSchema.parse(JSON.parse(await Body!.transformToString()));
}

test("from heartbeats in the log to a message in the topic, a page, and the counts of the metrics", async () => {
  expect(await tick(0)).toMatchObject({ heartbeats: 0, counts: { hosts: 0 }, lagSeconds: undefined });
  const stuck = report("/var/log/a.log", { size: 5_000, delivered: 100, read: 100, endReachedAt: null });
  await sequence([beat("web-1", 0, [stuck]), beat("web-2", 0)]);
  expect(await tick(1)).toMatchObject({
    heartbeats: 2,
    notices: 0,
    counts: { hosts: 2, bytesWaiting: 4_900 },
  });
  await sequence([beat("web-1", 11, [stuck])]);
  expect(await tick(12)).toMatchObject({ notices: 1, lagSeconds: 60, failure: undefined });
  await sequence([beat("web-1", 16, [stuck]), beat("web-2", 15)]);
  expect(await tick(17)).toMatchObject({ counts: { silent: 1, stuckFiles: 1 } });
  await sequence([beat("web-1", 22), beat("web-2", 22)]);
  await tick(23);
  expect(alarms.map(({ subject }) => subject)).toEqual([
    "Weir: web-2 is silent",
    "Weir: /var/log/a.log on web-1 is stuck",
    "Weir: well again: web-2",
  ]);
  expect(alarms[0]).toMatchObject({
    topicArn: TOPIC,
    message: expect.stringContaining("docs/runbook.md#silent-hosts") as string,
  });
  expect(await page()).toMatchObject({
    at: new Date(START + 23 * MINUTE).toISOString(),
    counts: { hosts: 2, silent: 0 },
    hosts: [{ host: "web-1" }, { host: "web-2" }],
  });
});

test("only segments and commits with heartbeats are read, from the place where the last run ended", async () => {
  await sequence([beat("web-1", 0)]);
  segments++;
  const { bytes } = await segmentOf(2, [commitOf(1)], { sequencedAt: new Date(START).toISOString() });
  await putObject(s3, bucket, segmentKey(2), bytes);
  await tick(1);
  read = [];
  await sequence([beat("web-1", 1)]);
  await tick(2);
  const bodies = read.filter((get) => get.includes("/log/") && get.includes(" all"));
  expect(bodies.map((get) => /log\/0*(\d+)/.exec(get)![1])).toEqual(["3", "4"]);
  expect(read.filter((url) => url.includes("data/")).length).toBe(1);
});

test("an object of more heartbeats than are read ahead of their turn is read to its end", async () => {
  const sources = Array.from({ length: 9 }, (_, i) => report(`/log/${i}`));
  for (let segment = 0; segment < 3; segment++) {
    await sequence(Array.from({ length: 150 }, (_, i) => beat(`web-${i}`, segment + i / 1_000, sources)));
  }
  expect(await tick(4, { isTimeUp: () => true })).toMatchObject({ heartbeats: 150 });
  expect(await tick(4)).toMatchObject({ heartbeats: 300, counts: { hosts: 150 } });
});

describe("telling", () => {
  const silence = async (): Promise<void> => {
    await sequence([beat("web-1", 0), beat("web-2", 0)]);
    await tick(1);
    await sequence([beat("web-2", 12)]);
  };

  test("a topic that takes nothing leaves it for the next run, and keeps page and place", async () => {
    await silence();
    const refused = await tick(13, { publish: () => Promise.reject(new Error("AuthorizationError")) });
    expect(refused).toMatchObject({ notices: 0, failure: { code: "NOT_TOLD" }, heartbeats: 1 });
    expect(await page()).toMatchObject({ counts: { silent: 1 } });
    expect(await tick(14)).toMatchObject({ heartbeats: 0, notices: 1, failure: undefined });
    await tick(15);
    expect(alarms.map(({ subject }) => subject)).toEqual(["Weir: web-1 is silent"]);
  });

  test("a run that dies before it remembers what it told tells it again", async () => {
    await silence();
    const dies = async (message: Message): Promise<void> => {
      await publish(message);
      await putObject(s3, bucket, STATE_KEY, Buffer.from("somebody else's"));
    };
    const saved = await s3.send(new GetObjectCommand({ Bucket: bucket, Key: STATE_KEY }));
    const before = Buffer.from(await saved.Body!.transformToByteArray());
    await expect(tick(13, { publish: dies })).rejects.toMatchObject({ code: "STATE_CONFLICT" });
    await putObject(s3, bucket, STATE_KEY, before);
    await tick(14);
    await tick(15);
    expect(alarms.map(({ subject }) => subject)).toEqual(["Weir: web-1 is silent", "Weir: web-1 is silent"]);
  });

  test("the stand-in for the topic refuses what SNS refuses", async () => {
    const body = "x".repeat(256 * 2 ** 10 + 1);
    for (const message of [
      { subject: "é", body: "x" },
      { subject: "two\nlines", body: "x" },
      { subject: "x".repeat(100), body: "x" },
      { subject: " x", body: "x" },
      { subject: "x", body },
    ]) {
      await expect(publish(message)).rejects.toMatchObject({ name: "InvalidParameterException" });
    }
    expect(alarms).toEqual([]);
  });
});

describe("the place in the log", () => {
  test("of a first run over an old log is near its end", async () => {
    for (let hour = 0; hour < 20; hour++) await sequence([beat(`old-${hour}`, hour * 60)]);
    read = [];
    expect(await tick(19 * 60 + 5)).toMatchObject({ counts: { hosts: 1, silent: 0 } });
    expect((await page()).hosts.map(({ host }) => host)).toEqual(["old-19"]);
    expect(read.filter((url) => url.includes("data/")).length).toBe(1);
  });

  test("of a run after a long pause is near its end as well", async () => {
    await sequence([beat("web", 0)]);
    await tick(1);
    for (let hour = 1; hour < 10; hour++) await sequence([beat("web", hour * 60)]);
    expect(await tick(9 * 60 + 1)).toMatchObject({ heartbeats: 1, counts: { silent: 0 } });
  });

  test("where a segment is gone or spoilt, it goes on near the end, and says so", async () => {
    await sequence([beat("web", 0)]);
    await tick(1);
    for (const minute of [1, 2]) await sequence([beat("web", minute)]);
    await putObject(s3, bucket, segmentKey(2), Buffer.from("spoilt"));
    expect(await tick(3)).toMatchObject({ heartbeats: 1 });
    expect(warnings).toEqual(["the log cannot be read on: going on near its end"]);
    await putObject(s3, bucket, segmentKey(3), Buffer.from("spoilt"));
    await sequence([beat("web", 4)]);
    expect(await tick(5)).toMatchObject({ heartbeats: 1 });
    await putObject(s3, bucket, segmentKey(5), Buffer.from("spoilt"));
    await expect(tick(6)).rejects.toMatchObject({ code: "BAD_LOG" });
  });

  test("a run ends in time, and the next goes on where it stopped; what cannot be read holds nothing up", async () => {
    for (const minute of [0, 1, 2]) await sequence([beat("web", minute)]);
    await tick(0);
    for (const minute of [3, 4]) await sequence([beat("web", minute)]);
    // What it has not read yet is no silence.
    expect(await tick(15, { isTimeUp: () => true })).toMatchObject({ heartbeats: 1, notices: 0 });
    expect(await tick(15)).toMatchObject({ heartbeats: 1, unreadable: 0, notices: 1 });
  });
});

test("a state that this version does not know is named, with what to do", async () => {
  await putObject(s3, bucket, STATE_KEY, Buffer.from('{"version":9}'));
  await expect(tick(0)).rejects.toThrow(/fleet\/state\.json cannot be read; remove it/);
});
