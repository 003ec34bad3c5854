import { appendFile, copyFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { CheckpointFile } from "../../../agent/progress/checkpoint.ts";
import { AgentChild } from "../agent-child.ts";
import { AgentFixture, lines } from "../agent-fixture.ts";
import { agentProgram } from "../agent-program.ts";
import { bySource, eventsOf, reassemble } from "../event.ts";
import { connected, message } from "../forward/forward-fixture.ts";
import type { KillAt } from "../kill-at.ts";
import { randomNumbers } from "../random-writer.ts";
import { RunningAgent } from "../running-agent.ts";
import { SimulatedStream } from "../simulated-stream.ts";
import { ROTATED_IDLE_MS } from "../tail-harness.ts";
import { tailCase } from "./tail-case.ts";

const [node, ...agentItself] = agentProgram();
const KILLABLE = [node!, "--import", join(import.meta.dirname, "../kill-at.ts"), ...agentItself];

const MINUTE_MS = 60_000;
const MAX_BUFFERED_BYTES = 2 ** 20;

const stream = new SimulatedStream(1, MAX_BUFFERED_BYTES, randomNumbers(39));

tailCase(
  39,
  "a stream that is away for three hours, then throttled; files rotated every hour, the third one deleted",
  async (tail) => {
    const model: string[] = [];
    let minute = 0;
    stream.onArrival = ({ data }) => void tail.events.push(...eventsOf(data));
    /** What happens in a minute, whether or not the agent reads. */
    const pass = async (): Promise<void> => {
      if (minute % 60 === 0) {
        await rm(tail.path("a.log.2"), { force: true });
        await rename(tail.path("a.log.1"), tail.path("a.log.2")).catch(() => {});
        await rename(tail.path("a.log"), tail.path("a.log.1")).catch(() => {});
        model.push("");
      }
      const text = lines(500, `minute ${minute}, ${"x".repeat(60)}`);
      await appendFile(tail.path("a.log"), text);
      model[model.length - 1] += text;
      minute++;
      stream.isDown = minute >= 30 && minute < 210;
      stream.limits.share = minute < 210 ? 1 : 0.1;
      await stream.clock.runTo(minute * MINUTE_MS);
      tail.pass(MINUTE_MS);
      await tail.keepWatch();
    };
    const untilRoom = async (): Promise<void> => {
      while (stream.outbox.bytes >= MAX_BUFFERED_BYTES) await pass();
    };
    await stream.start();
    let most = 0;
    while (stream.clock.now() < 300 * MINUTE_MS) {
      await pass();
      await tail.poll(untilRoom);
      most = Math.max(most, stream.outbox.bytes);
    }
    await tail.drain();
    for (let hour = 6; stream.outbox.bytes > 0; hour++) await stream.clock.runTo(hour * 60 * MINUTE_MS);
    await stream.stop();
    expect(stream.producer.counts.throttled).toBeGreaterThan(0);
    expect(most).toBeLessThan(3 * 2 ** 20);
    return model;
  },
  { send: (record) => stream.outbox.put(record) },
);

/** More than is read at once. */
const LONG = lines(60_000, "a line that fills more than one window of a mebibyte");

tailCase(40, "reading held back while the file is rotated twice and copied", async (tail) => {
  await writeFile(tail.path("a.log"), LONG);
  let isFirst = true;
  await tail.poll(async () => {
    if (!isFirst) return;
    isFirst = false;
    await copyFile(tail.path("a.log"), tail.path("a.log.bak"));
    await rename(tail.path("a.log"), tail.path("a.log.2"));
    await writeFile(tail.path("a.log.1"), "two\n");
    await writeFile(tail.path("a.log"), "three\n");
    await rm(tail.path("a.log.2"));
  });
  expect(isFirst).toBe(false);
  await tail.poll();
  return [LONG, "two\n", "three\n"];
});

tailCase(40, "reading held back for long, while files come, are rotated and are deleted", async (tail) => {
  await writeFile(tail.path("a.log"), LONG);
  let isFirst = true;
  await tail.poll(async () => {
    if (!isFirst) return;
    isFirst = false;
    for (const generation of ["two\n", "three\n", "four\n"]) {
      await rm(tail.path("a.log.1"), { force: true });
      await rename(tail.path("a.log"), tail.path("a.log.1"));
      await writeFile(tail.path("a.log"), generation);
      await tail.keepWatch();
      tail.pass(2 * ROTATED_IDLE_MS);
    }
  });
  await tail.poll();
  expect(isFirst).toBe(false);
  return [LONG, "two\n", "three\n", "four\n"];
});

test("case 39: an agent that starts while the stream is away holds on to files that are deleted before it is there", async () => {
  await using agent = await AgentFixture.make();
  const released = Promise.withResolvers<void>();
  agent.kinesis.holdAll = released.promise;
  await using running = new RunningAgent(agent);
  for (const [i, generation] of ["one\n", "two\n", "three\n"].entries()) {
    await rm(agent.path("a.log.1"), { force: true });
    if (i > 0) await rename(agent.path("a.log"), agent.path("a.log.1"));
    await writeFile(agent.path("a.log"), generation);
    await running.until(async () => (await namedFiles(agent)) === i + 1);
  }
  expect(running.phases).toEqual(["waiting"]);
  released.resolve();
  agent.kinesis.holdAll = undefined;
  await running.until(() => agent.events.length >= 3);
  await running.stop();
  expect(agent.events.map(({ text }) => text).sort()).toEqual(["one", "three", "two"]);
});

test("case 40: an agent whose stream takes nothing holds on to files that are deleted unread", async () => {
  await using agent = await AgentFixture.make();
  await writeFile(agent.path("a.log"), LONG);
  const released = Promise.withResolvers<void>();
  agent.kinesis.hold = released.promise;
  const producer = { max_buffered_bytes: 2 ** 20, aggregate_bytes: 100_000, linger_ms: 10 };
  await using running = new RunningAgent(agent, { producer });
  await running.until(() => agent.kinesis.requests.length > 0);
  const model = [LONG];
  for (let generation = 2; generation < 5; generation++) {
    await rename(agent.path("a.log"), agent.path("a.log.1"));
    model.push(lines(10, `generation ${generation}`));
    await writeFile(agent.path("a.log"), model.at(-1)!);
    // Its first line was read, so it is open.
    await running.until(async () => (await namedFiles(agent)) === generation);
    await rm(agent.path("a.log.1"));
  }
  released.resolve();
  agent.kinesis.hold = undefined;
  await running.until(() => agent.events.length >= 60_030);
  await running.stop();
  expect(Array.from(bySource(agent.events).values(), reassemble).sort()).toEqual(model.sort());
  expect(agent.events).toHaveLength(60_030);
});

async function namedFiles(agent: AgentFixture): Promise<number> {
  const { files } = await new CheckpointFile(agent.path("state")).load();
  return files.filter(({ record }) => record.isNamed).length;
}

const FORWARD = (agent: AgentFixture) => ({
  files: [],
  forward: { unix_path: agent.path("f.sock") },
  spool: { segment_bytes: 2 ** 21, max_bytes: 2 ** 24 },
});

/** What comes out of the spool, once its one source is whole. */
function pushed(agent: AgentFixture): string[] {
  const [events = [], ...others] = bySource(agent.events).values();
  expect(others).toEqual([]);
  reassemble(events);
  return events.map(({ text }) => (JSON.parse(text) as { text: string }).text);
}

test("case 44: a chunk whose sender hangs up before the acknowledgement is stored, and again when it is sent again", async () => {
  await using agent = await AgentFixture.make();
  await using running = new RunningAgent(agent, FORWARD(agent));
  {
    using client = await running.connect(agent.path("f.sock"));
    client.send(message("one"));
    await running.until(() => agent.events.length === 1);
  }
  for (const text of ["one", "two"]) {
    using client = await running.connect(agent.path("f.sock"));
    expect(await client.deliver(text)).toBe(true);
  }
  await running.until(() => agent.events.length === 3);
  await running.stop();
  expect(pushed(agent)).toEqual(["one", "one", "two"]);
});

test("case 44: a chunk whose acknowledgement dies with the agent is there twice when it is sent again", async () => {
  await using agent = await AgentFixture.make();
  const kill: KillAt = { operation: "datasync", path: "/pushed/\\d+\\.spool$", when: "after", call: 3 };
  const acknowledged: string[] = [];
  let unacknowledged: string | undefined;
  {
    const environment = { WEIR_TEST_KILL_AT: JSON.stringify(kill) };
    await using child = await AgentChild.start(agent, ["run"], FORWARD(agent), environment, KILLABLE);
    using client = await connected(child, agent.path("f.sock"));
    for (let n = 0; unacknowledged === undefined; n++) {
      if (await client.deliver(`${n}`)) acknowledged.push(`${n}`);
      else unacknowledged = `${n}`;
    }
    expect(await child.ended).toMatchObject({ signal: "SIGKILL" });
  }
  await using next = await AgentChild.start(agent, ["run"], FORWARD(agent));
  using client = await connected(next, agent.path("f.sock"));
  expect(await client.deliver(unacknowledged)).toBe(true);
  const model = [...acknowledged, unacknowledged, unacknowledged];
  await next.until(() => pushed(agent).length >= model.length);
  expect(pushed(agent)).toEqual(model);
});
