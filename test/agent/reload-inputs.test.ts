import { appendFile, rename, writeFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { type Logger, pino } from "pino";
import { expect, test } from "vitest";
import { freePort } from "../../local/part.ts";
import { AgentFixture, lines } from "./agent-fixture.ts";
import { bySource, type Event, reassemble } from "./event.ts";
import { encode, map } from "./forward/encode.ts";
import { isRefused, message } from "./forward/forward-fixture.ts";
import { RunningAgent } from "./running-agent.ts";

const silent = { producer: { aggregate_bytes: 1_024, linger_ms: 10, rate_limit_percent: 10_000 } };
const textOf = ({ text }: Event) => (JSON.parse(text) as { text: string }).text;
const isPushed = ({ position }: Event) => position.source.path === "spool:pushed";

/** Sends until it is told to stop, each event again until it is acknowledged. */
async function sender(running: RunningAgent, path: string, signal: AbortSignal) {
  const acknowledged: string[] = [];
  let repeats = 0;
  let client = await running.connect(path);
  for (let n = 0; !signal.aborted; n++) {
    while (!(await client.deliver(`event ${n}`))) {
      repeats++;
      client[Symbol.dispose]();
      client = await running.connect(path);
    }
    acknowledged.push(`event ${n}`);
    await sleep(2);
  }
  client[Symbol.dispose]();
  return { acknowledged, repeats };
}

/**
 * Appends to a file and rotates it until it is told to stop.
 *
 * @param text that it holds: what is rotated before an agent has seen it is none of its files
 * @returns what each generation holds
 */
async function writer(path: string, text: string, signal: AbortSignal): Promise<string[]> {
  const written: string[] = [];
  for (let generation = 0; ; generation++, text = "") {
    for (let block = 0; block < 20; block++) {
      const part = lines(5, `${path} ${generation}: block ${block}, line`);
      await appendFile(path, part);
      text += part;
      await sleep(5);
    }
    written.push(text);
    if (signal.aborted) return written;
    await rename(path, `${path}.${generation}`);
  }
}

test("reloads of every kind under load lose nothing of files and nothing that was acknowledged", async () => {
  await using agent = await AgentFixture.make();
  const unix_path = agent.path("f.sock");
  const a = { tag: "a", path: agent.path("a.log") };
  const b = { tag: "b", path: agent.path("b.log") };
  const configs: readonly object[] = [
    { files: [a, b] },
    {
      files: [{ ...b, tag: "other", exclude_lines: [": block 3,"] }],
      forward: { unix_path, max_message_bytes: 2 ** 21 },
    },
    { files: [a, b], spool: { max_bytes: 2 ** 23, segment_bytes: 2 ** 21 } },
    { files: [a], forward: { unix_path, max_connections: 7 }, spool: { sync: "deliver" } },
    { files: [a, { ...b, max_line_bytes: 1_000 }], spool: { overflow: "drop-oldest" } },
  ].map((config) => ({ ...silent, forward: { unix_path }, ...config }));
  const stop = new AbortController();
  agent.kinesis.fault = (n) => (n % 5 === 2 ? "throttle-some" : n % 7 === 3 ? "reset-after" : "none");
  for (const { path } of [a, b]) await writeFile(path, lines(1, path));
  await using running = new RunningAgent(agent, configs[0]);
  await running.until(() => agent.events.length === 2);
  const writing = [a, b].map(({ path }) => writer(path, lines(1, path), stop.signal));
  const sending = sender(running, unix_path, stop.signal);
  for (let reloads = 1; reloads <= 10; reloads++) {
    const before = agent.kinesis.records.length;
    await running.until(() => agent.kinesis.records.length > before + 10);
    running.reload(async () => agent.config(configs[reloads % configs.length]));
    await running.until(() => running.phases.filter((phase) => phase === "ready").length > reloads);
  }
  stop.abort();
  const written = (await Promise.all(writing)).flat();
  const { acknowledged, repeats } = await sending;
  const last = [...written.map((text) => text.trimEnd().split("\n").at(-1)!), acknowledged.at(-1)!];
  await running.until(async () => {
    await sleep(50);
    const texts = new Set(agent.events.map((event) => (isPushed(event) ? textOf(event) : event.text)));
    return last.every((text) => texts.has(text));
  });
  await running.stop();
  const files = Array.from(bySource(agent.events.filter((event) => !isPushed(event))).values(), reassemble);
  expect(files).toHaveLength(written.length);
  // Lines that were left out at the time are gaps of their size, and nothing else is missing.
  const isLike = (file: string) => (text: string) =>
    text === Array.from(file, (char, i) => (char === "?" ? text[i] : char)).join("");
  for (const file of files) expect(written.some(isLike(file))).toBe(true);
  const [pushed, ...others] = bySource(agent.events.filter(isPushed)).values();
  expect(others).toEqual([]);
  reassemble(pushed!);
  const texts = pushed!.map(textOf);
  expect([...new Set(texts)]).toEqual(acknowledged);
  expect(texts.length - acknowledged.length).toBeLessThanOrEqual(repeats);
});

/** What the agent logs as warnings and errors. */
function logged(): { readonly log: Logger; readonly text: () => string } {
  const written: string[] = [];
  return {
    log: pino({ level: "warn" }, { write: (line: string) => void written.push(line) }),
    text: () => written.join(""),
  };
}

test("the forward input moves to another address, and whoever was connected gets the last acknowledgement", async () => {
  await using agent = await AgentFixture.make();
  const [before, after] = [agent.path("before.sock"), agent.path("after.sock")];
  await using running = new RunningAgent(agent, { forward: { unix_path: before } });
  using client = await running.connect(before);
  expect(await client.deliver("one")).toBe(true);
  client.send(message("two"));
  running.reload(async () => agent.config({ forward: { unix_path: after } }));
  using other = await running.connect(after);
  expect(await other.deliver("three")).toBe(true);
  // Either it was read before the end and acknowledged, or it is the sender's to send again.
  const rest = await client.rest();
  const isAcknowledged = rest.equals(encode(map({ ack: "two" })));
  expect(isAcknowledged || rest.length === 0).toBe(true);
  expect(await isRefused(before)).toBe(true);
  const due = ["one", ...(isAcknowledged ? ["two"] : []), "three"];
  await running.until(() => agent.events.length >= due.length);
  await running.stop();
  expect(agent.events.map(textOf)).toEqual(expect.arrayContaining(due));
});

test("a configuration whose forward input cannot be had changes nothing at all, and names the setting", async () => {
  await using agent = await AgentFixture.make();
  const path = agent.path("f.sock");
  const { log, text } = logged();
  const monitor = { port: await freePort() };
  await using running = new RunningAgent(agent, { forward: { unix_path: path }, monitor }, log);
  using client = await running.connect(path);
  const taken = Number(new URL(agent.kinesis.endpoint).port);
  running.reload(async () =>
    agent.config({
      files: [],
      forward: { unix_path: agent.path("new.sock"), port: taken },
      line_sockets: [{ tag: "l", path: agent.path("l.sock") }],
      monitor,
    }),
  );
  await running.until(() => text().includes("reload refused"));
  expect(text()).toContain(`[forward] 127.0.0.1:${taken}`);
  // The same connection goes on, what was to be new is not there, and what was to go is.
  expect(await client.deliver("one")).toBe(true);
  expect(await isRefused(agent.path("new.sock"))).toBe(true);
  expect(await isRefused(agent.path("l.sock"))).toBe(true);
  await appendFile(agent.path("a.log"), "a\n");
  await running.until(() => agent.events.length === 2);
  const metrics = await (await fetch(`http://127.0.0.1:${monitor.port}/metrics`)).text();
  expect(metrics).toContain('weir_agent_config_reloads_total{result="refused"} 1');
  expect(running.phases).toContain("refused");
  expect(running.phases).not.toContain("reloading");
});

test("inputs come to be where there were none, go, and come again", async () => {
  await using agent = await AgentFixture.make();
  const path = agent.path("f.sock");
  await using running = new RunningAgent(agent);
  const ready = (count: number) => running.phases.filter((phase) => phase === "ready").length === count;
  await running.until(() => ready(1));
  for (const round of [1, 2]) {
    running.reload(async () => agent.config({ forward: { unix_path: path } }));
    using client = await running.connect(path);
    expect(await client.deliver(`round ${round}`)).toBe(true);
    await running.until(() => ready(2 * round));
    running.reload(async () => agent.config());
    await running.until(() => ready(2 * round + 1));
    expect(await isRefused(path)).toBe(true);
  }
  await running.until(() => agent.events.length === 2);
  await running.stop();
  expect(agent.events.map(textOf)).toEqual(["round 1", "round 2"]);
  expect(bySource(agent.events).size).toBe(1);
});

test("another shared key counts from the reload on, also when only its file has changed", async () => {
  await using agent = await AgentFixture.make();
  const path = agent.path("f.sock");
  const forward = { unix_path: path, shared_key_file: agent.path("key") };
  await writeFile(agent.path("key"), "first");
  await using running = new RunningAgent(agent, { forward });
  using client = await running.connect(path);
  const hello = await client.answer();
  await writeFile(agent.path("key"), "second");
  running.reload(async () => agent.config({ forward }));
  expect(await client.rest()).toEqual(Buffer.alloc(0));
  using next = await running.connect(path);
  expect(await next.answer()).not.toEqual(hello);
  running.reload(async () => agent.config({ forward }));
  await running.until(() => running.phases.filter((phase) => phase === "ready").length === 3);
  // Nothing had changed: who is connected stays.
  expect(next.socket.destroyed).toBe(false);
});

test("lines on an open connection get the new tag, and one whose socket went away is read to its end", async () => {
  await using agent = await AgentFixture.make();
  const [kept, gone] = [agent.path("kept.sock"), agent.path("gone.sock")];
  const sockets = [
    { tag: "kept", path: kept },
    { tag: "gone", path: gone },
  ];
  await using running = new RunningAgent(agent, { line_sockets: sockets });
  const clients = [await running.connect(kept), await running.connect(gone)];
  for (const client of clients) client.send(Buffer.from("before\n"));
  await running.until(() => agent.events.length === 2);
  running.reload(async () => agent.config({ line_sockets: [{ tag: "renamed", path: kept }] }));
  await running.until(() => isRefused(gone));
  for (const client of clients) client.send(Buffer.from("after\n"));
  await running.until(() => agent.events.length === 4);
  for (const client of clients) client[Symbol.dispose]();
  await running.stop();
  const tags = (text: string) => agent.events.filter((event) => event.text === text).map(({ tag }) => tag);
  expect(tags("before").sort()).toEqual(["gone", "kept"]);
  expect(tags("after").sort()).toEqual(["gone", "renamed"]);
});

test("standard input neither comes nor goes by a reload, which says so", async () => {
  await using agent = await AgentFixture.make();
  const { log, text } = logged();
  await using running = new RunningAgent(agent, { forward: { unix_path: agent.path("f.sock") } }, log);
  using client = await running.connect(agent.path("f.sock"));
  running.reload(async () => agent.config({ stdin: { tag: "in" } }));
  await running.until(() => text().includes("reload refused"));
  expect(text()).toContain("stdin: cannot come or go while the agent runs");
  expect(await client.deliver("one")).toBe(true);
});

test("a stop in the middle of a reload leaves nobody behind who listens", async () => {
  await using agent = await AgentFixture.make();
  const [before, after] = [agent.path("before.sock"), agent.path("after.sock")];
  await using running = new RunningAgent(agent, { forward: { unix_path: before } });
  await running.until(() => running.phases.includes("ready"));
  const stopped = Promise.withResolvers<void>();
  running.reload(async () => {
    const stopping = running.stop();
    stopped.resolve(stopping);
    // Longer than an agent takes to end that does not wait for this.
    await Promise.race([stopping, sleep(2_000)]);
    return agent.config({ forward: { unix_path: after } });
  });
  await stopped.promise;
  await sleep(100);
  expect([await isRefused(before), await isRefused(after)]).toEqual([true, true]);
  expect(running.phases).toEqual(["waiting", "ready"]);
});
