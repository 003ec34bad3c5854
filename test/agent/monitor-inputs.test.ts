import { once } from "node:events";
import { appendFile, writeFile } from "node:fs/promises";
import { connect, type Socket } from "node:net";
import { expect, test } from "vitest";
import type { AgentStatus } from "../../agent/monitor/agent-status.ts";
import { METRIC_GROUPS } from "../../agent/monitor/metric-catalogue.ts";
import { freePort } from "../../local/part.ts";
import { AgentFixture, lines } from "./agent-fixture.ts";
import { parseExposition, type Scraped } from "./exposition.ts";
import { RunningAgent } from "./running-agent.ts";

async function scrape(port: number): Promise<Scraped[]> {
  return parseExposition(await (await fetch(`http://127.0.0.1:${port}/metrics`)).text());
}

/** Of the one series of a name that has these labels. */
function valueOf(scraped: readonly Scraped[], name: string, labels: object = {}): number | undefined {
  const wanted = Object.entries(labels);
  const has = (sample: Scraped) => wanted.every(([key, text]) => sample.labels[key] === text);
  return scraped.find((sample) => sample.name === `weir_agent_${name}` && has(sample))?.value;
}

async function client(to: number | string): Promise<Socket> {
  const socket = typeof to === "number" ? connect(to, "127.0.0.1") : connect(to);
  socket.on("error", () => {});
  await once(socket, "connect");
  return socket;
}

/** An agent with every kind of input. */
async function withInputs(agent: AgentFixture) {
  const monitor = { port: await freePort(), max_file_series: 2 };
  const forward = { port: await freePort(), max_connections: 2 };
  const line_sockets = [{ tag: "sock", path: agent.path("l.sock") }];
  const entry = {
    path: agent.path("*.log"),
    exclude_lines: ["7$"],
    mask: [{ pattern: "line", with: "LINE" }],
  };
  const files = [{ tag: "test", max_line_bytes: 64, ...entry }];
  return { monitor, forward, line_sockets, files };
}

test("metrics tell what came in by which input, what became of lines, and how full the spool is", async () => {
  await using agent = await AgentFixture.make();
  const config = await withInputs(agent);
  const { monitor, forward, line_sockets } = config;
  await writeFile(agent.path("a.log"), `${lines(10)}${"x".repeat(100)}\n`);
  await using running = new RunningAgent(agent, config);
  await running.until(() => running.phases.includes("ready"));
  const good = await client(forward.port);
  good.end(Buffer.from('["f",1,{"n":1},{"chunk":"c"}]["f",[[1,{"n":2}],[1,{"n":3}]],{"chunk":"d"}]'));
  await once(good.resume(), "close");
  const bad = await client(forward.port);
  bad.end(Buffer.from("[nope]"));
  await once(bad.resume(), "close");
  const lineClient = await client(line_sockets[0]!.path);
  lineClient.write("one\ntwo\n");
  let scraped: Scraped[] = [];
  await running.until(async () => {
    scraped = await scrape(monitor.port);
    return agent.events.length === 9 + 1 + 3 + 2 && valueOf(scraped, "undelivered_bytes") === 0;
  });
  const input = { input: line_sockets[0]!.path };
  const expected: [string, object, number][] = [
    ["forward_connections", {}, 0],
    ["forward_connections_total", {}, 2],
    ["forward_refused_total", { reason: "decode" }, 1],
    ["forward_refused_total", { reason: "limit" }, 0],
    ["forward_messages_total", {}, 2],
    ["forward_events_total", {}, 3],
    ["forward_acks_total", {}, 2],
    ["line_input_connections", input, 1],
    ["line_input_lines_total", input, 2],
    ["line_input_bytes_total", input, 6],
    ["spool_lines_total", {}, 5],
    ["spool_dropped_lines_total", { policy: "drop-newest" }, 0],
    ["spool_lost_bytes_total", {}, 0],
    ["spool_write_errors_total", { operation: "fdatasync" }, 0],
    ["spool_oldest_age_seconds", {}, 0],
    ["spool_limit_bytes", {}, 2 ** 30],
    ["lines_left_out_total", { tag: "test", reason: "filtered" }, 1],
    ["lines_masked_total", { tag: "test" }, 9],
    ["lines_cut_total", {}, 1],
    ["put_duration_seconds_bucket", { le: "+Inf" }, valueOf(scraped, "put_requests_total")!],
    ["config_reloads_total", { result: "refused" }, 0],
  ];
  for (const [name, labels, value] of expected) {
    expect([name, labels, valueOf(scraped, name, labels)]).toEqual([name, labels, value]);
  }
  expect(valueOf(scraped, "spool_bytes")).toBeGreaterThan(0);
  const status = (await (await fetch(`http://127.0.0.1:${monitor.port}/`)).json()) as AgentStatus;
  expect(status.receiver).toMatchObject({
    address: `127.0.0.1:${forward.port}`,
    total_connections: 2,
    current_connections: 0,
    messages: 3,
    disposed: 0,
    buffered: 0,
  });
  expect(status.spool).toMatchObject({ max_bytes: 2 ** 30, connections: 1 });
  lineClient.destroy();
});

test("every metric of the catalogue is told with its type and labels, and no other", async () => {
  await using agent = await AgentFixture.make();
  const config = await withInputs(agent);
  await writeFile(agent.path("a.log"), lines(10));
  await using running = new RunningAgent(agent, config);
  await running.until(() => agent.events.length === 9);
  const told = new Map<string, string>();
  for (const { name, type, labels } of await scrape(config.monitor.port)) {
    const family = type === "histogram" ? name.replace(/_(bucket|sum|count)$/, "") : name;
    const own = Object.keys(labels).filter((label) => label !== "le");
    told.set(family, `${type} ${own.join()}`);
  }
  const groups = Object.values(METRIC_GROUPS).flatMap((group) => Object.entries(group));
  const catalogue = groups.map(([name, { type, labels }]) => [name, `${type} ${labels.join()}`]);
  expect(Object.fromEntries(told)).toEqual(Object.fromEntries(catalogue));
});

test.each(Object.values(METRIC_GROUPS).flatMap((group) => Object.entries(group)))(
  "%s has its kind and unit in its name",
  (name, { type }) => {
    expect(name.endsWith("_total")).toBe(type === "counter");
    expect(name).toMatch(/^(weir_agent|process)(_[a-z]+)+$/);
    expect(name).not.toMatch(/_(ms|millis|kb|mib|minutes)(_|$)/);
  },
);

test("of many files as many have series as are allowed, and those are the ones that lag", async () => {
  await using agent = await AgentFixture.make();
  const monitor = { port: await freePort(), max_file_series: 2 };
  for (const name of ["a", "b", "c", "d"]) await writeFile(agent.path(`${name}.log`), lines(5));
  await using running = new RunningAgent(agent, { monitor, shutdown: { deadline_ms: 0 } });
  await running.until(() => agent.events.length === 20);
  agent.kinesis.fault = () => "server-error";
  await appendFile(agent.path("d.log"), lines(5));
  let scraped: Scraped[] = [];
  await running.until(async () => {
    scraped = await scrape(monitor.port);
    return (valueOf(scraped, "file_lag_bytes", { path: agent.path("d.log") }) ?? 0) > 0;
  });
  expect(scraped.filter(({ name }) => name === "weir_agent_file_size_bytes")).toHaveLength(2);
  expect(valueOf(scraped, "files")).toBe(4);
  expect(valueOf(scraped, "file_series_hidden")).toBe(2);
});
