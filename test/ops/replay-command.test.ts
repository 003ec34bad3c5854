import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { KinesisClient, SplitShardCommand } from "@aws-sdk/client-kinesis";
import { ListObjectsV2Command } from "@aws-sdk/client-s3";
import { NodeHttpHandler } from "@smithy/node-http-handler";
import { expect, test } from "vitest";
import { bareEnvironment } from "../bare-environment.ts";
import type { Cloud } from "../../local/cloud.ts";
import { drain } from "../../local/drain.ts";
import { runPipeline, type SampleStack, sampleStack } from "../end-to-end/pipeline.ts";
import { startProxy } from "../end-to-end/proxy.ts";
import { EVENT_MS, PIPELINE_MS } from "../time-limits.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const LINES = 2_000;

function start(dir: string, ...args: readonly string[]): ChildProcess {
  return spawn(process.execPath, ["bin/weir.ts", ...args, "--local", dir, "--json"], {
    cwd: ROOT,
    env: { ...bareEnvironment(), XDG_CACHE_HOME: join(dir, "cache") },
  });
}

/** What a command says, which has to end well. */
async function weir(dir: string, ...args: readonly string[]): Promise<Record<string, unknown>> {
  const child = start(dir, ...args);
  const [stdout, stderr, [code]] = await Promise.all([
    text(child.stdout!),
    text(child.stderr!),
    once(child, "exit") as Promise<[number]>,
  ]);
  expect({ args, code, stderr, stdout }).toMatchObject({ code: 0, stderr: "" });
  return JSON.parse(stdout) as Record<string, unknown>;
}

/** What is given up is so at once, so that nobody waits for retries. */
async function impatientStack(): Promise<SampleStack> {
  const stack = await sampleStack();
  const { deployment } = stack;
  return { ...stack, deployment: { ...deployment, mapping: { ...deployment.mapping, retryAttempts: 0 } } };
}

/** Lets the lake refuse what the router puts, from its first commit on; meanwhile, a shard is split. */
class Outage {
  cloud: Cloud | undefined;
  isOn = false;
  commits = 0;

  async put(url: string): Promise<{ status: number; body: string } | undefined> {
    if (this.isOn) return { status: 403, body: "<Error><Code>AccessDenied</Code></Error>" };
    if (url.includes("/commits/") && this.commits++ === 0) {
      this.isOn = true;
      await this.#split();
    }
    return undefined;
  }

  async #split(): Promise<void> {
    const { kinesisEndpoint, deployment } = this.cloud!;
    const kinesis = new KinesisClient({
      endpoint: kinesisEndpoint,
      region: deployment.region,
      credentials: { accessKeyId: "local", secretAccessKey: "local" },
      requestHandler: new NodeHttpHandler(),
    });
    const command = new SplitShardCommand({
      StreamName: deployment.stream.name,
      ShardToSplit: "shardId-000000000000",
      NewStartingHashKey: "1000",
    });
    await kinesis.send(command);
    kinesis.destroy();
  }
}

async function givenUp({ s3, deployment }: Cloud): Promise<number> {
  const Bucket = deployment.mapping.failureDestinationBucket;
  const { KeyCount } = await s3.send(new ListObjectsV2Command({ Bucket, Prefix: "aws/lambda/" }));
  return KeyCount!;
}

test("an outage of the router, in which a shard was split, is made good by replay: every line is there once", async () => {
  await using stack = await impatientStack();
  const outage = new Outage();
  await using proxy = await startProxy(
    () => outage.cloud!.s3Endpoint,
    async ({ method, url }, _body, moment) =>
      method === "PUT" && moment === "before" ? outage.put(url!) : undefined,
  );
  const report = await runPipeline(stack, LINES, {
    environment: (role): Record<string, string> =>
      role === "router" ? { AWS_ENDPOINT_URL_S3: proxy.endpoint } : {},
    onStart: (cloud) => (outage.cloud = cloud),
    onDrained: async (cloud, dir) => {
      const failed = await givenUp(cloud);
      expect(failed).toBeGreaterThan(1);
      outage.isOn = false;

      const paused = await weir(dir, "pause");
      expect(paused).toMatchObject({ state: "Disabled", retentionHours: 24 });
      expect(cloud.mapping.state).toBe("Disabled");
      expect(Date.parse(paused["lostAt"] as string)).toBeGreaterThan(Date.now() + 20 * 3_600_000);

      const plan = await weir(dir, "replay", "--failed", "--dry-run");
      expect(plan).toMatchObject({ ok: true, replayed: false, lost: [], refused: [] });
      expect(await givenUp(cloud)).toBe(failed);

      // Killed once it has brought something in.
      const before = outage.commits;
      const victim = start(dir, "replay", "--failed", "--yes", "--rate", "0.01");
      await expect.poll(() => outage.commits).toBeGreaterThan(before);
      victim.kill("SIGKILL");
      await once(victim, "exit");

      expect(await weir(dir, "replay", "--failed", "--yes")).toMatchObject({
        ok: true,
        poison: [],
        lost: [],
      });
      expect(await givenUp(cloud)).toBe(0);
      expect(await weir(dir, "resume")).toMatchObject({ state: "Enabled", waiting: [] });
      expect(await drain(cloud, AbortSignal.timeout(PIPELINE_MS), EVENT_MS)).toEqual([]);
    },
  });
  expect(report.problems).toEqual([]);
  expect(report.balanced).toBe(true);
  for (const type of ["access", "photo", "user"]) {
    const { rows, rejected, duplicates } = report.types[type]!;
    expect({ lines: rows + rejected, duplicates }).toEqual({ lines: LINES, duplicates: 0 });
  }
});
