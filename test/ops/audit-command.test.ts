import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { KinesisClient, ListShardsCommand, PutRecordsCommand } from "@aws-sdk/client-kinesis";
import { DeleteObjectsCommand, ListObjectsV2Command } from "@aws-sdk/client-s3";
import { NodeHttpHandler } from "@smithy/node-http-handler";
import { afterAll, beforeAll, expect, test } from "vitest";
import { bareEnvironment } from "../bare-environment.ts";
import { CommitLog } from "../../lambdas/commit-log/commit-log.ts";
import { LOG_BEGINNING } from "../../lambdas/commit-log/cursor.ts";
import type { AuditReport } from "../../ops/audit/report.ts";
import type { Cloud } from "../../local/cloud.ts";
import { CREDENTIALS } from "../../local/credentials.ts";
import { drain } from "../../local/drain.ts";
import { HEARTBEAT_PATH } from "../../wire/heartbeat.ts";
import { runPipeline, type SampleStack, sampleStack } from "../end-to-end/pipeline.ts";
import { EVENT_MS, PIPELINE_MS } from "../time-limits.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));

const LINES = 300;
let stack: SampleStack;
let cacheHome: string;

beforeAll(async () => {
  stack = await sampleStack();
  cacheHome = await mkdtemp(join(tmpdir(), "weir-cache-"));
});
afterAll(async () => {
  await stack?.[Symbol.asyncDispose]();
  await rm(cacheHome, { recursive: true });
});

interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

async function weirAudit(dir: string, ...args: string[]): Promise<Ended> {
  const child = spawn(process.execPath, ["bin/weir.ts", "audit", "--local", dir, ...args], {
    cwd: ROOT,
    env: { ...bareEnvironment(), XDG_CACHE_HOME: cacheHome },
  });
  const [stdout, stderr, [code]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, "exit") as Promise<[number]>,
  ]);
  return { code, stdout, stderr };
}

test("what a laptop cloud's agent reads balances, each file can be asked for, and what goes missing is named", async () => {
  await runPipeline(stack, LINES, {
    onDrained: async (cloud, dir) => {
      const all = await weirAudit(dir);
      expect(all.stderr).toBe("");
      expect(all.stdout).toMatch(
        /^the laptop cloud of \S+: balanced\. [\d,]+ lines, \d+ commits, \d+ files\.\n/,
      );
      expect(all.code).toBe(0);
      const report = await jsonOf(dir);
      expect(report).toMatchObject({ ok: true, findings: [] });
      expect(report.tables.map(({ table, rows, waiting }) => [table, rows, waiting])).toEqual(
        report.tables.map(({ table, lake }) => [table, lake, 0]),
      );
      for (const type of ["access", "photo", "user"]) {
        expect(report.types.find((sum) => sum.type === type)!.lines).toBe(LINES);
      }
      await askForFile(dir);
      await loseRows(cloud, dir);
      await endEachShard(cloud);
      await loseCommit(cloud, dir);
    },
  });
});

async function jsonOf(dir: string, ...args: string[]): Promise<AuditReport & { ok: boolean }> {
  return JSON.parse((await weirAudit(dir, "--json", ...args)).stdout) as AuditReport & { ok: boolean };
}

async function askForFile(dir: string): Promise<void> {
  const { sources, tableRows, rows } = await jsonOf(dir, "--source", `*:${dir}/logs/access.log*`);
  expect(sources.length).toBeGreaterThan(0);
  expect(sources.every(({ types, whole }) => types.includes("access") && whole !== "missing")).toBe(true);
  const loaded = Object.values(tableRows!["logs.access"]!).reduce((sum, count) => sum + count, 0);
  const lines = rows !== undefined && "lines" in rows ? rows.lines : [];
  expect(lines.reduce((sum, { rows }) => sum + rows, 0)).toBe(loaded);
  expect(lines.reduce((sum, { rows, rejected }) => sum + rows + rejected, 0)).toBe(LINES);
  const { host, path, id, end } = sources[0]!;
  const { stdout, code } = await weirAudit(dir, "--source", `${host}:${path}`);
  expect(code).toBe(0);
  expect(stdout).toContain(`${host}:${path} (${id})\n  Delivered: [0, ${end.toLocaleString("en-US")})`);
  expect(stdout).toMatch(/It ended at|It is active/);
  expect(stdout).toMatch(/Loaded: \d+ rows in logs\.access\./);
}

async function loseRows(cloud: Cloud, dir: string): Promise<void> {
  await cloud.warehouse!.query("DELETE FROM logs.photo WHERE _off = 0");
  const { code, stdout } = await weirAudit(dir);
  expect(code).toBe(1);
  expect(stdout).toMatch(/NOT BALANCED, 1 fault\./);
  expect(stdout).toMatch(/! \d+ rows? that were loaded are gone from logs\.photo/);
  expect(stdout).toContain(`  run      weir loads reload logs.photo --local ${dir}\n`);
}

/** With a record that comes after all others, so that nothing which is missing may be on its way. */
async function endEachShard(cloud: Cloud): Promise<void> {
  const { region, stream } = cloud.deployment;
  const kinesis = new KinesisClient({
    endpoint: cloud.kinesisEndpoint,
    region,
    credentials: CREDENTIALS,
    requestHandler: new NodeHttpHandler(),
  });
  const { Shards = [] } = await kinesis.send(new ListShardsCommand({ StreamName: stream.name }));
  const Records = Shards.map(({ HashKeyRange }) => ({
    PartitionKey: "photo",
    ExplicitHashKey: HashKeyRange!.StartingHashKey,
    Data: Buffer.from("of no file"),
  }));
  const { FailedRecordCount } = await kinesis.send(
    new PutRecordsCommand({ StreamName: stream.name, Records }),
  );
  expect(FailedRecordCount).toBe(0);
  kinesis.destroy();
  expect(await drain(cloud, AbortSignal.timeout(PIPELINE_MS), EVENT_MS)).toEqual([]);
}

/** One that has some of a file and not all, of the lake and, with all others, of the log: the sequencer begins anew. */
async function loseCommit({ s3, deployment }: Cloud, dir: string): Promise<void> {
  const Bucket = deployment.lakeBucket;
  const { Contents = [] } = await s3.send(new ListObjectsV2Command({ Bucket, Prefix: "log/" }));
  const lost = [await commitOfPart(new CommitLog(s3, Bucket)), ...Contents.map(({ Key }) => Key!)];
  const Delete = { Objects: lost.map((Key) => ({ Key })) };
  await s3.send(new DeleteObjectsCommand({ Bucket, Delete }));
  const { ok, findings } = await jsonOf(dir);
  expect(ok).toBe(false);
  const fixes = findings.flatMap(({ kind, fix }) => (kind === "missing" ? fix : []));
  expect(fixes).not.toEqual([]);
  for (const line of fixes) expect(line).toMatch(/^weir replay /);
}

/** @returns key of a commit without heartbeats, which tell what is missing, that has a file of which another has more */
async function commitOfPart(log: CommitLog): Promise<string> {
  const entries = await Array.fromAsync(log.read(LOG_BEGINNING));
  const commits = entries.flatMap((entry) =>
    "commit" in entry ? [{ key: entry.key, ...entry.commit }] : [],
  );
  const part = commits.find(
    ({ key, sources }) =>
      sources.every(({ path }) => path !== HEARTBEAT_PATH) &&
      sources.some(({ id }) =>
        commits.some((other) => other.key !== key && other.sources.some((s) => s.id === id)),
      ),
  );
  expect(part).toBeDefined();
  return part!.key;
}
