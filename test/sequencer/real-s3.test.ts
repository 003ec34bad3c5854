import { afterAll, beforeAll, expect, test } from "vitest";
import { CommitLog } from "../../lambdas/commit-log/commit-log.ts";
import { LOG_BEGINNING } from "../../lambdas/commit-log/cursor.ts";
import { LogHeads } from "../../lambdas/sequencer/log-heads.ts";
import { run, type RunReport } from "../../lambdas/sequencer/run.ts";
import { SEQUENCER_LIMITS } from "../../lambdas/sequencer/sequencer-parts.ts";
import { commitMinutePrefix } from "../../wire/keys.ts";
import { ConditionalS3 } from "../commit-log/conditional-s3.ts";
import { commitOf, putObject } from "../commit-log/log-fixture.ts";

let server: ConditionalS3;
beforeAll(async () => {
  server = await ConditionalS3.start();
});
afterAll(() => server[Symbol.asyncDispose]());

const now = new Date();

/** An instance that knows nothing. */
function sequence(bucket: string): Promise<RunReport> {
  const until = new Date(Date.now() + 60_000);
  const { s3 } = server;
  const limits = { ...SEQUENCER_LIMITS, commits: 30 };
  const log = { warn: () => {} };
  const heads = new LogHeads(s3, bucket);
  return run({ s3, bucket, heads, limits, now: () => new Date(), until, sweepUntil: until, log });
}

async function putCommits(bucket: string, count: number, from = 0): Promise<string[]> {
  const keys = Array.from({ length: count }, (_, i) => {
    return `${commitMinutePrefix(now)}${String(from + i).padStart(6, "0")}.json`;
  });
  await Promise.all(keys.map((key, i) => putObject(server.s3, bucket, key, commitOf(from + i).body)));
  return keys;
}

const keysOf = async (bucket: string): Promise<string[]> =>
  (await Array.fromAsync(new CommitLog(server.s3, bucket).read(LOG_BEGINNING))).map(({ key }) => key);

test("sequencers that run at the same time put each commit into the log once", async () => {
  const bucket = server.newBucket();
  const keys: string[] = [];
  for (let round = 0; round < 3; round++) {
    keys.push(...(await putCommits(bucket, 100, round * 100)));
    const reports = await Promise.all([sequence(bucket), sequence(bucket), sequence(bucket)]);
    expect(reports.reduce((sum, { commits }) => sum + commits, 0)).toBe(100);
  }
  expect(await keysOf(bucket)).toEqual(keys);
});

test("a segment whose answer was lost is there once", async () => {
  const bucket = server.newBucket();
  const keys = await putCommits(bucket, 40);
  let lost = 0;
  server.losesAnswer = ({ method, url }) => method === "PUT" && url!.includes("/log/0") && lost++ === 0;
  await sequence(bucket);
  server.losesAnswer = () => false;
  await sequence(bucket);
  expect(lost).toBeGreaterThan(0);
  expect(await keysOf(bucket)).toEqual(keys);
});
