import { rm, writeFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { freePort } from "../../../local/part.ts";
import { AgentFixture } from "../agent-fixture.ts";
import { bySource, reassemble } from "../event.ts";
import { RunningAgent } from "../running-agent.ts";
import { mountSmallDisk } from "../small-disk.ts";

const KIB = 2 ** 10;
const small = { segment_bytes: 2 * KIB * KIB, max_bytes: 4 * KIB * KIB };
const producer = { aggregate_bytes: 1_024, linger_ms: 10, rate_limit_percent: 10_000 };
const text = (n: number) => `${n} `.padEnd(200 * KIB, "x");

const textOf = (line: string) => (JSON.parse(line) as { text: string }).text;

/** What keeps the agent from making progress, by its own account. */
async function problems(port: number): Promise<string> {
  const answer = await fetch(`http://127.0.0.1:${port}/healthz/progressing`);
  return ((await answer.json()) as { problems: string[] }).problems.join();
}

test("on a full disk nothing is acknowledged and health says why, until something is delivered", async ({
  skip,
}) => {
  await using agent = await AgentFixture.make();
  using disk = await mountSmallDisk(agent.path("small"));
  if (disk === undefined) skip("this user may not mount a small disk");
  const monitor = { port: await freePort() };
  const path = agent.path("f.sock");
  let release = () => {};
  agent.kinesis.hold = new Promise((resolve) => (release = resolve));
  await using running = new RunningAgent(agent, {
    state_dir: agent.path("small/state"),
    forward: { unix_path: path },
    spool: { ...small, max_bytes: 2 ** 30, min_free_bytes: KIB * KIB },
    producer,
    monitor,
  });
  using client = await running.connect(path);
  let acknowledged = 0;
  const sending = (async () => {
    for (let n = 0; n < 60; n++) {
      expect(await client.deliver(text(n))).toBe(true);
      acknowledged++;
    }
  })();
  const LOW = "less than min_free_bytes of the disk is free";
  await running.until(async () => (await problems(monitor.port)).includes(LOW));
  // 8 MiB, of which one is left to others.
  expect(acknowledged).toBeLessThanOrEqual(35);
  agent.kinesis.hold = undefined;
  release();
  await sending;
  await running.until(async () => (await problems(monitor.port)) === "");
  await running.until(() => agent.kinesis.records.length >= 60);
  await running.stop();
  const [events = [], ...others] = bySource(agent.events).values();
  expect(others).toEqual([]);
  reassemble(events);
  expect(events.every((event, n) => textOf(event.text) === text(n))).toBe(true);
  expect(events).toHaveLength(60);
});

test("a disk that others have filled is waited for", async ({ skip }) => {
  await using agent = await AgentFixture.make();
  using disk = await mountSmallDisk(agent.path("small"));
  if (disk === undefined) skip("this user may not mount a small disk");
  const monitor = { port: await freePort() };
  const path = agent.path("f.sock");
  await using running = new RunningAgent(agent, {
    state_dir: agent.path("small/state"),
    forward: { unix_path: path },
    spool: { ...small, min_free_bytes: 0 },
    producer,
    monitor,
  });
  using client = await running.connect(path);
  expect(await client.deliver(text(0))).toBe(true);
  await writeFile(agent.path("small/others"), Buffer.alloc(8 * KIB * KIB)).catch(() => {});
  const sending = client.deliver(text(1));
  await running.until(async () => (await problems(monitor.port)).includes("pushed events cannot be stored"));
  await running.until(() => agent.events.length === 1);
  await rm(agent.path("small/others"));
  expect(await sending).toBe(true);
  await running.until(() => agent.events.length === 2);
  await running.stop();
});

test.each(["drop-oldest", "drop-newest"])(
  "%s: what is left out arrives in the stream as a gap with its reason, also by another agent",
  async (overflow) => {
    await using agent = await AgentFixture.make();
    const path = agent.path("f.sock");
    const overrides = { forward: { unix_path: path }, spool: { ...small, overflow }, producer };
    agent.kinesis.fault = () => "server-error";
    {
      const shutdown = { deadline_ms: 0 };
      await using running = new RunningAgent(agent, { ...overrides, shutdown });
      using client = await running.connect(path);
      for (let n = 0; n < 60; n++) expect(await client.deliver(text(n))).toBe(true);
    }
    agent.kinesis.fault = () => "none";
    await using running = new RunningAgent(agent, overrides);
    using client = await running.connect(path);
    await running.until(() => agent.events.length > 0);
    expect(await client.deliver("after")).toBe(true);
    await running.until(() => agent.events.some((event) => textOf(event.text) === "after"));
    await running.stop();
    const [events = [], ...others] = bySource(agent.events).values();
    expect(others).toEqual([]);
    // Throws unless what is delivered and the gaps are together all that was acknowledged.
    const whole = reassemble(events);
    const gaps = events.flatMap(({ position }) => position.gap ?? []);
    expect(new Set(gaps.map(({ reason }) => reason))).toEqual(new Set(["overflow"]));
    const lineBytes = (value: string) => JSON.stringify({ time: "t", text: value }).length + 1;
    const acknowledged = Array.from({ length: 60 }, (_, n) => lineBytes(text(n))).reduce((a, b) => a + b);
    expect(whole).toHaveLength(acknowledged + lineBytes("after"));
  },
);
