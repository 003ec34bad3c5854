import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { CommitLog } from "../../lambdas/commit-log/commit-log.ts";
import { LOG_BEGINNING } from "../../lambdas/commit-log/cursor.ts";
import type { RunReport } from "../../lambdas/sequencer/run.ts";
import { writeHandler } from "../../lib/handler-code.ts";
import { commitMinutePrefix } from "../../wire/keys.ts";
import { ConditionalS3 } from "../commit-log/conditional-s3.ts";
import { commitOf, putObject } from "../commit-log/log-fixture.ts";

const HANDLER = fileURLToPath(new URL("../../lambdas/sequencer/handler.ts", import.meta.url));

let server: ConditionalS3;
let folder: string;
let bucket: string;

beforeAll(async () => {
  server = await ConditionalS3.start();
  bucket = server.newBucket();
  folder = await mkdtemp(join(tmpdir(), "weir-sequencer-"));
  writeHandler(HANDLER, folder);
  vi.stubEnv("AWS_REGION", "us-east-1");
  vi.stubEnv("AWS_ACCESS_KEY_ID", "local");
  vi.stubEnv("AWS_SECRET_ACCESS_KEY", "local");
  vi.stubEnv("AWS_ENDPOINT_URL_S3", server.endpoint);
  vi.stubEnv("WEIR_LAKE_BUCKET", bucket);
});
afterAll(async () => {
  vi.restoreAllMocks();
  vi.unstubAllEnvs();
  await server?.[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

test("the bundle puts commits into the log, also on an idle tick says so in metrics, and fails aloud", async () => {
  const { handler } = (await import(pathToFileURL(join(folder, "index.mjs")).href)) as {
    handler: () => Promise<RunReport>;
  };
  const emitted = captureMetrics();
  const keys = [1, 2, 3].map((n) => `${commitMinutePrefix(new Date())}${n}.json`);
  for (const [n, key] of keys.entries()) await putObject(server.s3, bucket, key, commitOf(n).body);
  expect(await handler()).toMatchObject({ segments: 1, commits: 3, lagSeconds: 0 });
  expect(await handler()).toMatchObject({ segments: 0, commits: 0, lagSeconds: 0 });
  const waiting = `${commitMinutePrefix(new Date(Date.now() - 300_000))}4.json`;
  await putObject(server.s3, bucket, waiting, commitOf(4).body);
  server.losesAnswer = ({ url }) => url!.includes("/4.json");
  await expect(handler()).rejects.toThrow(waiting);
  server.losesAnswer = () => false;
  expect(await handler()).toMatchObject({ commits: 1 });

  expect(emitted().map(({ CommitsSequenced }) => CommitsSequenced)).toEqual([3, 0, 0, 1]);
  const [first, , failed] = emitted();
  expect(first).toMatchObject({
    service: "sequencer",
    SequencerLagSeconds: 0,
    Segments: 1,
    CommitsFoundLate: 0,
    CommitsUnreadable: 0,
    _aws: { CloudWatchMetrics: [{ Namespace: "Weir", Dimensions: [["service"]] }] },
  });
  expect(failed!["SequencerLagSeconds"]).toBeGreaterThanOrEqual(300);
  const read = await Array.fromAsync(new CommitLog(server.s3, bucket).read(LOG_BEGINNING));
  expect(read.map(({ key }) => key)).toEqual([...keys, waiting]);
});

/** Lines of the embedded metric format that the bundle writes from now on. */
function captureMetrics(): () => Record<string, unknown>[] {
  const write = vi.spyOn(process.stdout, "write").mockReturnValue(true);
  return () => {
    const lines = write.mock.calls.map(([text]) => String(text)).filter((text) => text.includes("_aws"));
    return lines.map((line) => JSON.parse(line) as Record<string, unknown>);
  };
}
