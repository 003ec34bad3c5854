import { appendFile, mkdir, readFile, rmdir, writeFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { type Logger, pino } from "pino";
import { expect, test, vi } from "vitest";
import { runAgent } from "../../agent/process/run-agent.ts";
import type { AgentStatus } from "../../agent/monitor/agent-status.ts";
import { freePort } from "../../local/part.ts";
import { HEARTBEAT_PATH, heartbeatSchema } from "../../wire/heartbeat.ts";
import { AgentFixture, lines } from "./agent-fixture.ts";
import { bySource, reassemble } from "./event.ts";

const silent = pino({ level: "silent" });
const contents = (agent: AgentFixture) => Array.from(bySource(agent.events).values(), reassemble).sort();

/** Runs an agent until `isDone`, then stops it as SIGTERM would. @throws what the agent ends with */
async function runUntil(
  agent: AgentFixture,
  isDone: () => boolean | Promise<boolean>,
  overrides: object = {},
  log: Logger = silent,
): Promise<void> {
  const stop = new AbortController();
  const running = runAgent(agent.config(overrides), { signal: stop.signal, log });
  const waiting = (async () => {
    while (!stop.signal.aborted && !(await isDone())) await sleep(5);
  })();
  try {
    await Promise.race([running, waiting]);
  } finally {
    stop.abort();
  }
  await running;
}

test("a stopped agent has delivered what it read, and the next goes on where it ended", async () => {
  await using agent = await AgentFixture.make();
  await writeFile(agent.path("a.log"), lines(100));
  await runUntil(agent, () => agent.events.length === 100);
  await appendFile(agent.path("a.log"), lines(50));
  await runUntil(agent, () => agent.events.length === 150);
  expect(contents(agent)).toEqual([lines(100) + lines(50)]);
  expect(agent.events).toHaveLength(150);
});

test("however long Kinesis takes to answer, waiting for it leaves nothing behind", async () => {
  await using agent = await AgentFixture.make();
  agent.kinesis.holdAll = new Promise(() => {});
  const race = vi.spyOn(Promise, "race");
  await runUntil(agent, () => sleep(300, true));
  const raced = race.mock.calls.flatMap(([promises]) => Array.from(promises));
  race.mockRestore();
  // A promise keeps a reaction of each race until it is settled.
  expect(new Set(raced).size).toBe(raced.length);
});

test("a drain delivers every file to its end and ends, and a second drain sends nothing again", async () => {
  await using agent = await AgentFixture.make();
  await writeFile(agent.path("a.log"), `${lines(300)}no line feed`);
  await writeFile(agent.path("b.log"), "");
  await writeFile(agent.path("c.log"), "\r\n\r\nx\r\n");
  await agent.drain();
  await agent.drain();
  expect(contents(agent)).toEqual(["\r\n\r\nx\r\n", `${lines(300)}no line feed`]);
  expect(agent.events).toHaveLength(304);
});

test("compressed records hold the same lines", async () => {
  await using agent = await AgentFixture.make();
  await writeFile(agent.path("a.log"), lines(3_000));
  const { bytes } = await agent.drain({ producer: { compression: "zstd", aggregate_bytes: 20_000 } });
  expect(contents(agent)).toEqual([lines(3_000)]);
  expect(bytes).toBeLessThan(lines(3_000).length / 2);
});

test("heartbeats tell of each file what it held and what is delivered, as a source of their own", async () => {
  await using agent = await AgentFixture.make();
  await writeFile(agent.path("a.log"), lines(10));
  await runUntil(agent, () => agent.heartbeats.length > 3, { heartbeat: { interval_ms: 100 } });
  const [beats = [], ...others] = bySource(agent.heartbeats).values();
  expect(others).toEqual([]);
  reassemble(beats);
  expect(new Set(beats.map(({ position }) => position.source.path))).toEqual(new Set([HEARTBEAT_PATH]));
  const last = heartbeatSchema.parse(JSON.parse(beats.at(-1)!.text));
  const size = lines(10).length;
  expect(last).toMatchObject({
    host: "test-host",
    sources: [{ path: agent.path("a.log"), tag: "test", size, read: size, delivered: size, state: "active" }],
  });
});

test("the last heartbeat, and no other, says that the agent was asked to end", async () => {
  await using agent = await AgentFixture.make();
  await writeFile(agent.path("a.log"), lines(10));
  await runUntil(agent, () => agent.heartbeats.length > 2, { heartbeat: { interval_ms: 100 } });
  const told = agent.heartbeats.map(({ text }) => heartbeatSchema.parse(JSON.parse(text)).agent.stopping);
  expect(told.at(-1)).toBe(true);
  expect(told.slice(0, -1).every((stopping) => stopping === undefined)).toBe(true);
});

test("heartbeats can be turned off", async () => {
  await using agent = await AgentFixture.make();
  await writeFile(agent.path("a.log"), lines(10));
  await agent.drain({ heartbeat: { enabled: false } });
  expect(agent.heartbeats).toEqual([]);
  expect(agent.events).toHaveLength(10);
});

test("what is not acknowledged by the deadline counts as undelivered, and is sent by the next agent", async () => {
  await using agent = await AgentFixture.make();
  await writeFile(agent.path("a.log"), lines(10));
  agent.kinesis.fault = () => "server-error";
  const stopped = runUntil(agent, () => agent.kinesis.requests.length > 0, { shutdown: { deadline_ms: 50 } });
  await expect(stopped).rejects.toMatchObject({ code: "UNDELIVERED" });
  agent.kinesis.fault = () => "none";
  await agent.drain();
  expect(contents(agent)).toEqual([lines(10)]);
});

test("reading pauses while too much is unacknowledged", async () => {
  await using agent = await AgentFixture.make();
  const file = `${"x".repeat(999)}\n`.repeat(8_000);
  await writeFile(agent.path("a.log"), file);
  const port = await freePort();
  let release = () => {};
  agent.kinesis.hold = new Promise((resolve) => (release = resolve));
  const positions: number[] = [];
  const observe = async (): Promise<boolean> => {
    const position = (await status(port))?.files[agent.path("a.log")]?.position ?? 0;
    if (agent.kinesis.requests.length === 0 || position === 0) return false;
    // Twenty looks at an agent that would be through with the file after one.
    if (positions.push(position) === 20) release();
    return agent.kinesis.requests.length > 1 && agent.events.length === 8_000;
  };
  const producer = {
    max_buffered_bytes: 2 ** 20,
    aggregate_bytes: 100_000,
    linger_ms: 10,
    rate_limit_percent: 1_000,
  };
  await runUntil(agent, observe, { monitor: { port }, producer });
  expect(Math.max(...positions.slice(0, 20))).toBeLessThanOrEqual(3 * 2 ** 20);
  expect(contents(agent)).toEqual([file]);
});

async function status(port: number): Promise<AgentStatus | undefined> {
  try {
    return (await (await fetch(`http://127.0.0.1:${port}/`)).json()) as AgentStatus;
  } catch {
    return undefined;
  }
}

test("the monitor tells what was sent by tag and where each file stands", async () => {
  await using agent = await AgentFixture.make();
  await writeFile(agent.path("a.log"), lines(10));
  const port = await freePort();
  const bytes = lines(10).length;
  let seen: AgentStatus | undefined;
  const isDelivered = async () => {
    seen = await status(port);
    return seen?.sent["test"]?.messages === 10;
  };
  await runUntil(agent, isDelivered, { monitor: { port } });
  expect(seen).toEqual({
    sent: { test: { messages: 10, bytes, sents: 1 } },
    files: {
      [agent.path("a.log")]: {
        source: expect.any(String),
        tag: "test",
        position: bytes,
        delivered: bytes,
        size: bytes,
        error: "",
        polled: expect.toBeOneOf([null, expect.any(String)]),
        limited: null,
      },
    },
    servers: [{ address: "test", alive: true, error: "" }],
    receiver: null,
    spool: null,
  });
});

test("a second agent on a state directory is refused, and a dead one's is taken over", async () => {
  await using agent = await AgentFixture.make();
  await writeFile(agent.path("a.log"), lines(10));
  await runUntil(agent, async () => {
    if (agent.events.length < 10) return false;
    await expect(agent.drain()).rejects.toMatchObject({ code: "STATE_LOCKED", subject: agent.path("state") });
    return true;
  });
  await agent.drain();
});

test("a checkpoint that is none stops the agent instead of starting over", async () => {
  await using agent = await AgentFixture.make();
  await writeFile(agent.path("a.log"), lines(10));
  await agent.drain();
  const checkpoint = agent.path("state/checkpoint.json");
  for (const damaged of ["", "{}", (await readFile(checkpoint, "utf8")).slice(0, -9)]) {
    await writeFile(checkpoint, damaged);
    await expect(agent.drain()).rejects.toMatchObject({ code: "CHECKPOINT_CORRUPT", subject: checkpoint });
  }
});

test("a checkpoint that cannot be written is named, lines still go out, and none is lost", async () => {
  await using agent = await AgentFixture.make();
  const errors: string[] = [];
  const log = pino({ level: "error" }, { write: (line: string) => void errors.push(line) });
  await writeFile(agent.path("a.log"), lines(10));
  await agent.drain();
  const before = agent.heartbeats.length;
  let isBlocked = false;
  const block = async () => {
    if (!isBlocked && agent.heartbeats.length > before) {
      isBlocked = true;
      await mkdir(agent.path("state/checkpoint.json.new"));
      await appendFile(agent.path("a.log"), lines(10));
    }
    return agent.events.length === 20 && errors.some((line) => line.includes("checkpoint.json.new"));
  };
  const named = {
    code: "CHECKPOINT_WRITE",
    message: expect.stringContaining(agent.path("state/checkpoint.json")),
  };
  const running = runUntil(agent, block, { heartbeat: { interval_ms: 100 } }, log);
  await expect(running).rejects.toMatchObject(named);
  await expect(agent.drain()).rejects.toMatchObject(named);
  await rmdir(agent.path("state/checkpoint.json.new"));
  await agent.drain();
  expect(contents(agent)).toEqual([lines(10) + lines(10)]);
});
