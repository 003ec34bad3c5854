import { appendFile, rename, rm, writeFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { pino } from "pino";
import { expect, test } from "vitest";
import { freePort } from "../../local/part.ts";
import { AgentChild } from "./agent-child.ts";
import { AgentFixture, lines } from "./agent-fixture.ts";
import { bySource, reassemble } from "./event.ts";
import { RunningAgent } from "./running-agent.ts";

const contents = (agent: AgentFixture) => Array.from(bySource(agent.events).values(), reassemble).sort();

/**
 * Appends and rotates until it is told to stop.
 *
 * @param text that the file holds: what is rotated before an agent has seen it is none of its files
 * @returns what each generation of the file holds
 */
async function write(agent: AgentFixture, text: string, signal: AbortSignal): Promise<string[]> {
  const written: string[] = [];
  for (let generation = 0; ; generation++, text = "") {
    for (let block = 0; block < 20; block++) {
      const part = lines(50, `generation ${generation}, block ${block}`);
      await appendFile(agent.path("a.log"), part);
      text += part;
      await sleep(2);
    }
    written.push(text);
    if (signal.aborted) return written;
    await rename(agent.path("a.log"), agent.path(`a.log.${generation}`));
  }
}

test("a reload while a writer appends and rotates loses no line and repeats none", async () => {
  await using agent = await AgentFixture.make();
  const stop = new AbortController();
  agent.kinesis.fault = (n) => (n % 5 === 2 ? "throttle-some" : "none");
  await writeFile(agent.path("a.log"), lines(1));
  await using running = new RunningAgent(agent);
  await running.until(() => agent.events.length > 0);
  const writing = write(agent, lines(1), stop.signal);
  for (let reloads = 1; reloads <= 8; reloads++) {
    const before = agent.events.length;
    await running.until(() => agent.events.length > before + 200);
    const linger_ms = 5 + reloads;
    running.reload(async () => agent.config({ producer: { aggregate_bytes: 1_024 + reloads, linger_ms } }));
    await running.until(() => running.phases.filter((phase) => phase === "ready").length > reloads);
  }
  stop.abort();
  const written = await writing;
  await running.until(() => agent.events.length >= written.join("").split("\n").length - 1);
  await running.stop();
  expect(contents(agent)).toEqual(written.sort());
  expect(agent.events).toHaveLength(written.join("").split("\n").length - 1);
});

test("bytes of a deleted file that were not read yet outlive a reload", async () => {
  await using agent = await AgentFixture.make();
  const text = lines(60_000, "x".repeat(90));
  await writeFile(agent.path("a.log"), text);
  let release = () => {};
  agent.kinesis.hold = new Promise((resolve) => (release = resolve));
  const producer = { max_buffered_bytes: 2 ** 20, aggregate_bytes: 100_000, linger_ms: 10 };
  await using running = new RunningAgent(agent, { producer });
  await running.until(() => agent.kinesis.requests.length > 0);
  await rm(agent.path("a.log"));
  running.reload(async () => agent.config());
  await running.until(() => running.phases.includes("reloading"));
  release();
  agent.kinesis.hold = undefined;
  await running.until(() => agent.events.length === 60_000);
  await running.stop();
  expect(contents(agent)).toEqual([text]);
});

test("a reload while Kinesis is away goes through, and what was not acknowledged is read again", async () => {
  await using agent = await AgentFixture.make();
  await using running = new RunningAgent(agent, { shutdown: { deadline_ms: 50 } });
  await running.until(() => running.phases.includes("ready"));
  agent.kinesis.fault = () => "server-error";
  await writeFile(agent.path("a.log"), lines(100));
  await running.until(() => agent.kinesis.requests.length > 0);
  running.reload(async () => agent.config());
  await running.until(() => running.phases.filter((phase) => phase === "ready").length === 2);
  agent.kinesis.fault = () => "none";
  await running.until(() => agent.events.length >= 100);
  await running.stop();
  expect(contents(agent)).toEqual([lines(100)]);
});

test("a reload while the stream is deleted goes through, and waits for it to be made again", async () => {
  await using agent = await AgentFixture.make();
  const warnings: string[] = [];
  const log = pino({ level: "warn" }, { write: (line: string) => void warnings.push(line) });
  await using running = new RunningAgent(agent, { shutdown: { deadline_ms: 50 } }, log);
  await running.until(() => running.phases.includes("ready"));
  agent.kinesis.isMissing = true;
  running.reload(async () => agent.config({ producer: { aggregate_bytes: 1_024, linger_ms: 7 } }));
  await running.until(() => warnings.some((line) => line.includes("the stream is missing")));
  agent.kinesis.isMissing = false;
  await writeFile(agent.path("a.log"), lines(10));
  await running.until(() => agent.events.length === 10);
  await running.stop();
});

test.each([
  ["a directory that is not there", { files: [{ tag: "a", path: "/no/such/dir/*.log" }] }, "/no/such/dir"],
  ["a stream that is not there", { stream: "elsewhere" }, "elsewhere"],
  ["records that the stream does not take", { producer: { aggregate_bytes: 2 ** 21 } }, "aggregate_bytes"],
  ["another state directory", { state_dir: "/tmp" }, "state_dir"],
])("a reload with %s changes nothing and says so", async (_, overrides, reason) => {
  await using agent = await AgentFixture.make();
  const errors: string[] = [];
  const log = pino({ level: "error" }, { write: (line: string) => void errors.push(line) });
  await writeFile(agent.path("a.log"), lines(10));
  await using running = new RunningAgent(agent, {}, log);
  await running.until(() => agent.events.length === 10);
  running.reload(async () => agent.config(overrides));
  await running.until(() => errors.length > 0);
  expect(errors.join("")).toContain(reason);
  await appendFile(agent.path("a.log"), lines(10));
  await running.until(() => agent.events.length === 20);
  expect(running.phases).toEqual(["waiting", "ready", "refused"]);
});

test("what a reload adds is followed, what it takes away waits until it is added again", async () => {
  await using agent = await AgentFixture.make();
  const both = { files: ["a", "b"].map((tag) => ({ tag, path: agent.path(`${tag}.log`) })) };
  await writeFile(agent.path("a.log"), lines(10, "a"));
  await writeFile(agent.path("b.log"), lines(10, "b"));
  await using running = new RunningAgent(agent, both);
  await running.until(() => agent.events.length === 20);
  running.reload(async () => agent.config({ files: both.files.slice(1) }));
  await running.until(() => running.phases.length === 5);
  await appendFile(agent.path("a.log"), lines(5, "a"));
  await appendFile(agent.path("b.log"), lines(5, "b"));
  await running.until(() => agent.events.length === 25);
  running.reload(async () => agent.config(both));
  await running.until(() => agent.events.length === 30);
  await running.stop();
  expect(contents(agent)).toEqual([lines(10, "a") + lines(5, "a"), lines(10, "b") + lines(5, "b")]);
});

test("the monitor moves to another port, or stays when that is taken", async () => {
  await using agent = await AgentFixture.make();
  const [port, other] = [await freePort(), await freePort()];
  const answers = async (port: number) =>
    fetch(`http://127.0.0.1:${port}/healthz/ready`).then(
      ({ ok }) => ok,
      () => false,
    );
  await using running = new RunningAgent(agent, { monitor: { port } });
  await running.until(() => answers(port));
  running.reload(async () => agent.config({ monitor: { port: other } }));
  await running.until(() => answers(other));
  expect(await answers(port)).toBe(false);
  await using blocker = await AgentFixture.make();
  const taken = Number(new URL(blocker.kinesis.endpoint).port);
  running.reload(async () => agent.config({ monitor: { port: taken } }));
  const metrics = async () => (await fetch(`http://127.0.0.1:${other}/metrics`)).text();
  await running.until(async () => /last_reload_successful 0/.test(await metrics()));
  // The one before may have answered on the same port, and this one not be ready yet.
  await running.until(() => answers(other));
});

test("SIGHUP reads the file again, and a file in error changes nothing", async () => {
  await using agent = await AgentFixture.make();
  await writeFile(agent.path("a.log"), lines(10));
  await writeFile(agent.path("b.txt"), lines(10));
  const config = { files: [{ tag: "test", path: agent.path("*.log") }] };
  await using child = await AgentChild.start(agent, ["run"], config);
  await child.until(() => agent.events.length === 10);
  await child.rewrite("stream = ");
  child.signal("SIGHUP");
  await child.until(() => child.stderr.includes("reload refused"));
  await child.rewrite(agent.settings({ files: [{ tag: "test", path: agent.path("*.{log,txt}") }] }));
  child.signal("SIGHUP");
  await child.until(() => agent.events.length === 20);
  expect((await child.kill("SIGTERM")).code).toBe(0);
});
