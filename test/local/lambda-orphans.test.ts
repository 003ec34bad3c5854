import { spawn } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { afterAll, beforeAll, expect, test } from "vitest";

const LOCAL = new URL("../../local/", import.meta.url).href;

/** Starts one of everything, a function in an endless loop among them, and prints the process ids. */
const parent = (root: string): string => `
import { startKinesis } from "${LOCAL}kinesis.ts";
import { startS3 } from "${LOCAL}s3.ts";
import { startFunction } from "${LOCAL}lambda/function.ts";
const root = ${JSON.stringify(root)};
const kinesis = await startKinesis({ streams: [] });
const s3 = await startS3({ buckets: [], dataDir: root + "/s3" });
const spins = Promise.withResolvers();
const fn = startFunction({
  name: "spins", assetDir: root, handler: "index.handler", timeoutMs: 600_000, memoryMb: 128,
  environment: {}, concurrency: 1, log: spins.resolve,
});
void fn.invoke("{}");
await spins.promise;
console.log(JSON.stringify([kinesis.pid, s3.pid, ...fn.pids]));
`;

let root: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "weir-orphans-"));
  const spin = `export const handler = async () => { console.log("spinning"); setTimeout(() => { for (;;); }, 10); await new Promise(() => {}); };`;
  await writeFile(join(root, "index.mjs"), spin);
  await writeFile(join(root, "parent.mjs"), parent(root));
});
afterAll(() => rm(root, { recursive: true }));

function alive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

test.each(["SIGKILL", "SIGINT"] as const)(
  "when we die of %s, none of our processes lives on",
  async (signal) => {
    const us = spawn(process.execPath, [join(root, "parent.mjs")], { stdio: ["ignore", "pipe", "inherit"] });
    const [line] = (await new Promise<string[]>((resolve) => {
      createInterface({ input: us.stdout }).once("line", (line) => resolve([line]));
    })) as [string];
    const pids = JSON.parse(line) as number[];
    expect(pids.map(alive)).toEqual([true, true, true]);
    us.kill(signal);
    await expect.poll(() => pids.map(alive)).toEqual([false, false, false]);
  },
);
