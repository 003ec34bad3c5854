import { lstat, writeFile } from "node:fs/promises";
import { request } from "node:http";
import { connect, type Socket } from "node:net";
import { once } from "node:events";
import { json } from "node:stream/consumers";
import { expect, test } from "vitest";
import { agentConfigSchema } from "../../agent/config/config.ts";
import { askMonitor } from "../../agent/monitor/ask-monitor.ts";
import { Monitor } from "../../agent/monitor/monitor.ts";
import type { MonitorConfig } from "../../agent/config/monitor-config.ts";
import { freePort } from "../../local/part.ts";
import { AgentFixture, lines } from "./agent-fixture.ts";
import { RunningAgent } from "./running-agent.ts";

const TOKEN = "c5a1e6f0";

interface Answer {
  readonly status: number | undefined;
  readonly body: unknown;
}

function ask(to: object, path: string, authorization?: string): Promise<Answer> {
  const headers = authorization === undefined ? {} : { authorization };
  return new Promise((resolve, reject) => {
    request({ host: "127.0.0.1", path, headers, agent: false, ...to }, (response) => {
      const { statusCode: status } = response;
      json(response).then((body) => resolve({ status, body }), reject);
    })
      .on("error", reject)
      .end();
  });
}

function monitorConfig(settings: object): MonitorConfig {
  const files = [{ tag: "a", path: "/a" }];
  return agentConfigSchema.parse({ stream: "s", files, monitor: settings }).monitor;
}

test("with a token, who has none learns whether the agent is well, and nothing else", async () => {
  await using agent = await AgentFixture.make();
  await writeFile(agent.path("a.log"), lines(3));
  await writeFile(agent.path("token"), `${TOKEN}\n`);
  const port = await freePort();
  const monitor = { port, token_file: agent.path("token") };
  await using running = new RunningAgent(agent, { monitor });
  await running.until(() => agent.events.length === 3);
  const basic = `Basic ${Buffer.from(`prometheus:${TOKEN}`).toString("base64")}`;
  for (const authorization of [undefined, "Bearer wrong", `Bearer ${TOKEN}x`, "Basic !"]) {
    for (const path of ["/", "/metrics", "/status", "/status.json", "/system"])
      await expect(ask({ port }, path, authorization)).resolves.toMatchObject({ status: 401 });
    expect(await ask({ port }, "/healthz/live", authorization)).toEqual({ status: 200, body: { ok: true } });
  }
  for (const authorization of [`Bearer ${TOKEN}`, `bearer ${TOKEN}`, basic])
    expect((await ask({ port }, "/", authorization)).status).toBe(200);
  expect(await askMonitor(monitorConfig(monitor))).toMatchObject({ files: expect.anything() });
});

test("a Unix socket has the mode and the group that are configured, and answers as the port does", async () => {
  await using agent = await AgentFixture.make();
  await writeFile(agent.path("a.log"), lines(3));
  const unix_path = agent.path("monitor.sock");
  const gid = process.getgid!();
  const monitor = { unix_path, unix_mode: "0600", unix_group: gid };
  await using running = new RunningAgent(agent, { monitor });
  await running.until(() => agent.events.length === 3);
  const { mode, gid: group } = await lstat(unix_path);
  expect([mode & 0o777, group]).toEqual([0o600, gid]);
  expect((await ask({ socketPath: unix_path }, "/healthz/ready")).status).toBe(200);
  expect(await askMonitor(monitorConfig(monitor))).toMatchObject({ files: expect.anything() });
});

test("an empty token, and a group that is not there, are refused", async () => {
  await using agent = await AgentFixture.make();
  await using monitor = new Monitor();
  await writeFile(agent.path("token"), " \n");
  const empty = monitorConfig({ token_file: agent.path("token") });
  await expect(monitor.configure(empty)).rejects.toThrow(/holds no token/);
  const nobody = monitorConfig({ unix_path: agent.path("m.sock"), unix_group: "no-such-group" });
  await expect(monitor.configure(nobody)).rejects.toThrow(/there is no group no-such-group/);
});

test("connections that say nothing keep nobody out", async () => {
  await using monitor = new Monitor();
  const port = await freePort();
  await monitor.configure(monitorConfig({ port, max_connections: 4 }));
  const idle: Socket[] = [];
  for (let i = 0; i < 12; i++) {
    const socket = connect(port, "127.0.0.1").on("error", () => {});
    await once(socket, "connect");
    idle.push(socket);
  }
  const answered = async (): Promise<boolean> =>
    ask({ port }, "/healthz/live").then(
      ({ status }) => status === 503,
      () => false,
    );
  await expect.poll(answered).toBe(true);
  for (const socket of idle) socket.destroy();
});

test("what changes in a reload listens in its place, and what stays goes on", async () => {
  await using agent = await AgentFixture.make();
  await using monitor = new Monitor();
  const [port, other] = [await freePort(), await freePort()];
  const unix_path = agent.path("m.sock");
  await monitor.configure(monitorConfig({ port }));
  await monitor.configure(monitorConfig({ port, unix_path }));
  expect((await ask({ port }, "/healthz/live")).status).toBe(503);
  expect((await ask({ socketPath: unix_path }, "/healthz/live")).status).toBe(503);
  await monitor.configure(monitorConfig({ port: other, unix_path }));
  await expect(ask({ port }, "/healthz/live")).rejects.toThrow(/ECONNREFUSED/);
  expect((await ask({ port: other }, "/healthz/live")).status).toBe(503);
  expect((await ask({ socketPath: unix_path }, "/healthz/live")).status).toBe(503);
});
