import { appendFile, rename, truncate, writeFile } from "node:fs/promises";
import { request } from "node:http";
import { text } from "node:stream/consumers";
import { expect, onTestFinished, test, vi } from "vitest";
import { freePort } from "../../local/part.ts";
import { AgentFixture, lines } from "./agent-fixture.ts";
import { parseExposition } from "./exposition.ts";
import { RunningAgent } from "./running-agent.ts";

const HOUR_MS = 3_600_000;

interface Answer {
  readonly status: number;
  readonly type: string;
  readonly body: string;
}

/** `fetch` sends no Host header but its own. */
async function ask(port: number, path: string, host?: string, method = "GET"): Promise<Answer> {
  const headers = host === undefined ? {} : { host };
  return new Promise((resolve, reject) => {
    const asking = request({ port, host: "127.0.0.1", path, method, headers, agent: false }, (response) => {
      const { statusCode: status = 0, headers } = response;
      text(response).then((body) => resolve({ status, type: `${headers["content-type"]}`, body }), reject);
    });
    asking.on("error", reject).end();
  });
}

const statusOf = async (port: number, path: string) => (await ask(port, path).catch(() => undefined))?.status;

/** @returns what gives the sum of the series of a name that have these labels */
async function scrape(port: number): Promise<(name: string, labels?: object) => number | undefined> {
  const { body } = await ask(port, "/metrics");
  const samples = parseExposition(body);
  return (name, labels = {}) => {
    const wanted = Object.entries(labels);
    const found = samples.filter(
      (sample) =>
        sample.name === `weir_agent_${name}` && wanted.every(([key, text]) => sample.labels[key] === text),
    );
    return found.length === 0 ? undefined : found.reduce((sum, { value }) => sum + value, 0);
  };
}

test("metrics tell what was read, sent, rotated and truncated, by tag, shard and file", async () => {
  await using agent = await AgentFixture.make(2);
  const port = await freePort();
  const [a, b] = [agent.path("a.log"), agent.path("b.log")];
  await writeFile(a, lines(200));
  await writeFile(b, lines(50));
  agent.kinesis.fault = (n) => (n === 0 ? "throttle-some" : n === 1 ? "server-error" : "none");
  await using running = new RunningAgent(agent, { monitor: { port } });
  await running.until(() => agent.events.length === 250);
  await rename(a, agent.path("a.log.1"));
  await writeFile(a, lines(10));
  await running.until(() => agent.events.length === 260);
  await truncate(b);
  await appendFile(b, lines(5));
  let metric = await scrape(port);
  await running.until(async () => {
    metric = await scrape(port);
    return metric("lines_sent_total", { tag: "test" }) === 265 && metric("undelivered_bytes") === 0;
  });
  const bytes = lines(200).length + lines(50).length + lines(10).length + lines(5).length;
  expect(metric("bytes_sent_total", { tag: "test" })).toBe(bytes);
  expect(metric("lines_read_total")).toBe(265);
  expect(metric("bytes_read_total")).toBe(bytes);
  expect(metric("files_found_total")).toBe(3);
  expect(metric("files_rotated_total")).toBe(1);
  expect(metric("files_truncated_total")).toBe(1);
  expect(metric("files_lost_total")).toBe(0);
  expect(metric("abandoned_bytes_total")).toBe(0);
  expect(metric("retries_total")).toBeGreaterThan(1);
  expect(metric("put_failures_total")).toBe(1);
  expect(metric("throttles_total")).toBeGreaterThan(0);
  expect(metric("shards")).toBe(2);
  for (const { shardId } of agent.kinesis.records) {
    const taken = agent.kinesis.records.filter((record) => record.shardId === shardId).length;
    expect(metric("records_sent_total", { shard: shardId })).toBe(taken);
  }
  expect(metric("file_size_bytes", { path: a })).toBe(lines(10).length);
  expect(metric("file_delivered_bytes", { path: agent.path("a.log.1") })).toBe(lines(200).length);
  expect(metric("file_lag_bytes", { path: a })).toBe(0);
  expect(metric("buffered_bytes")).toBe(0);
  expect(metric("build_info", { node: process.version })).toBe(1);
  expect(metric("checkpoint_age_seconds")).toBeLessThan(60);
  expect(metric("ready")).toBe(1);
});

test("an agent is alive before its stream answers, ready once it does, and not progressing when stuck", async () => {
  await using agent = await AgentFixture.make();
  const port = await freePort();
  await writeFile(agent.path("a.log"), lines(10));
  let release = () => {};
  agent.kinesis.holdAll = new Promise((resolve) => (release = resolve));
  await using running = new RunningAgent(agent, { monitor: { port, stalled_ms: 1_000 } });
  await running.until(async () => (await statusOf(port, "/healthz/live")) === 200);
  expect(await statusOf(port, "/healthz/ready")).toBe(503);
  agent.kinesis.fault = () => "server-error";
  release();
  agent.kinesis.holdAll = undefined;
  await running.until(async () => (await statusOf(port, "/healthz/ready")) === 200);
  await running.until(async () => (await statusOf(port, "/healthz/progressing")) === 503);
  let problems: string[] = [];
  // Bytes wait before the first call has come back.
  await running.until(async () => {
    const { body } = await ask(port, "/healthz/progressing");
    ({ problems } = JSON.parse(body) as { problems: string[] });
    return problems.length > 1;
  });
  expect(problems[0]).toMatch(new RegExp(`^${lines(10).length} bytes of 1 files wait`));
  expect(problems[1]).toContain("PutRecords: ");
  let metric = await scrape(port);
  expect(metric("file_lag_bytes")).toBe(lines(10).length);
  expect(metric("file_lag_seconds")).toBeGreaterThan(0);
  expect(JSON.parse((await ask(port, "/")).body)).toMatchObject({ servers: [{ alive: false }] });
  expect(await statusOf(port, "/healthz/live")).toBe(200);
  agent.kinesis.fault = () => "none";
  await running.until(async () => (await statusOf(port, "/healthz/progressing")) === 200);
  metric = await scrape(port);
  expect(metric("file_lag_seconds")).toBe(0);
});

test.each([8, -8])("a clock that is set by %i hours makes nothing lag or stall", async (hours) => {
  await using agent = await AgentFixture.make();
  const port = await freePort();
  await writeFile(agent.path("a.log"), lines(10));
  await using running = new RunningAgent(agent, { monitor: { port }, shutdown: { deadline_ms: 0 } });
  await running.until(() => agent.events.length === 10);
  agent.kinesis.fault = () => "server-error";
  await appendFile(agent.path("a.log"), lines(10));
  const waits = async (bytes: number): Promise<boolean> =>
    (await scrape(port))("undelivered_bytes") === bytes;
  await running.until(() => waits(lines(10).length));
  vi.setSystemTime(Date.now() + hours * HOUR_MS);
  onTestFinished(() => void vi.useRealTimers());
  await writeFile(agent.path("b.log"), lines(20));
  await running.until(() => waits(lines(10).length + lines(20).length));
  await running.until(async () => ((await scrape(port))("file_lag_seconds") ?? 0) > 2);
  const metric = await scrape(port);
  for (const name of ["a.log", "b.log"]) {
    expect(metric("file_lag_seconds", { path: agent.path(name) })).toBeLessThan(HOUR_MS / 1_000);
  }
  expect(metric("progressing")).toBe(1);
});

test("a last line without line feed is no lag, and holds up nothing", async () => {
  await using agent = await AgentFixture.make();
  const port = await freePort();
  await writeFile(agent.path("a.log"), `${lines(10)}begun`);
  await using running = new RunningAgent(agent, { monitor: { port } });
  await running.until(async () => {
    const metric = await scrape(port).catch(() => () => undefined);
    return metric("lines_sent_total", { tag: "test" }) === 10;
  });
  const metric = await scrape(port);
  expect(metric("file_lag_bytes")).toBe(0);
  expect(metric("undelivered_bytes")).toBe(0);
});

test("a name that a web page could resolve to us is refused, and others than GET are", async () => {
  await using agent = await AgentFixture.make();
  const port = await freePort();
  await using running = new RunningAgent(agent, { monitor: { port, hosts: ["web-1.internal"] } });
  await running.until(async () => (await statusOf(port, "/")) === 200);
  for (const host of [`localhost:${port}`, `127.0.0.1:${port}`, `[::1]:${port}`, `web-1.internal:${port}`]) {
    expect((await ask(port, "/metrics", host)).status).toBe(200);
  }
  for (const host of ["evil.example", `evil.example:${port}`, "localhost.evil.example", "a:127.0.0.1"]) {
    for (const path of ["/", "/metrics", "/status", "/healthz/live"]) {
      expect(await ask(port, path, host)).toMatchObject({
        status: 421,
        body: expect.not.stringContaining("test"),
      });
    }
  }
  expect((await ask(port, "/", undefined, "POST")).status).toBe(405);
  for (const path of ["/none", "/__proto__", "/constructor", "//"]) {
    expect((await ask(port, path)).status).toBe(404);
  }
});

test("a missing file and the system are told", async () => {
  await using agent = await AgentFixture.make();
  const port = await freePort();
  const files = [
    { tag: "test", path: agent.path("*.log") },
    { tag: "gone", path: agent.path("gone.txt") },
  ];
  await writeFile(agent.path("a.log"), lines(3));
  await using running = new RunningAgent(agent, { monitor: { port }, files });
  await running.until(() => agent.events.length === 3);
  const status = JSON.parse((await ask(port, "/")).body) as { files: object };
  expect(status.files).toMatchObject({ [agent.path("gone.txt")]: { tag: "gone", position: -1 } });
  const system = JSON.parse((await ask(port, "/system")).body) as object;
  expect(system).toMatchObject({ pid: process.pid, node_version: process.version });
});

test("a port that is taken is named", async () => {
  await using agent = await AgentFixture.make();
  const port = await freePort();
  await using first = new RunningAgent(agent, { monitor: { port } });
  await first.until(async () => (await statusOf(port, "/")) === 200);
  await using other = await AgentFixture.make();
  await expect(other.drain({ monitor: { port } })).rejects.toMatchObject({ code: "MONITOR_PORT" });
});
