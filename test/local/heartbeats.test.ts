import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { askHttp, Heartbeats } from "../../local/conditions/heartbeats.ts";
import { startS3 } from "../../local/s3.ts";

test("S3 answers, is silent while its process stands still, though its port takes connections, and answers again", async () => {
  const dataDir = await mkdtemp(join(tmpdir(), "weir-heartbeats-"));
  const ended = new AbortController();
  const s3 = await startS3({ buckets: ["lake"], dataDir });
  const heartbeats = new Heartbeats();
  const answeredAtMs = (): number => heartbeats.all[0]!.answeredAtMs;
  try {
    const startedAtMs = Date.now();
    heartbeats.follow("S3", (signal) => askHttp(s3.endpoint, signal), ended.signal);
    await expect.poll(answeredAtMs).toBeGreaterThan(startedAtMs);
    process.kill(s3.pid, "SIGSTOP");
    // What was asked before has its answer, or will have none.
    await expect.poll(() => Date.now() - answeredAtMs()).toBeGreaterThan(2_500);
    const stoppedAtMs = answeredAtMs();
    process.kill(s3.pid, "SIGCONT");
    await expect.poll(answeredAtMs).toBeGreaterThan(stoppedAtMs);
    expect(heartbeats.all).toMatchObject([{ part: "S3" }]);
  } finally {
    ended.abort();
    process.kill(s3.pid, "SIGCONT");
    await s3.stop();
    await rm(dataDir, { recursive: true });
  }
});
