import { spawnSync } from "node:child_process";
import { once } from "node:events";
import { chmod, mkdir, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { pino } from "pino";
import { expect, test } from "vitest";
import { checkInputs } from "../../agent/command/check/check-inputs.ts";
import { checkSpool } from "../../agent/command/check/check-spool.ts";
import type { Finding } from "../../agent/command/check/finding.ts";
import { forwardConfigSchema } from "../../agent/config/forward-config.ts";
import { freePort } from "../../local/part.ts";
import { AgentChild } from "./agent-child.ts";
import { AgentFixture } from "./agent-fixture.ts";
import { RunningAgent } from "./running-agent.ts";

const hasOpenssl = spawnSync("openssl", ["version"]).status === 0;

const split = (findings: readonly Finding[]) => ({
  problems: findings.filter(({ isProblem }) => isProblem).map(({ text }) => text),
  fine: findings.filter(({ isProblem }) => !isProblem).map(({ text }) => text),
});
const check = async (agent: AgentFixture, overrides: object) =>
  split(await checkInputs(agent.config(overrides)));

test("ports and sockets that can be had are said to be, and who may send", async () => {
  await using agent = await AgentFixture.make();
  const [port, monitorPort] = [await freePort(), await freePort()];
  const { problems, fine } = await check(agent, {
    forward: {
      port,
      unix_path: agent.path("f.sock"),
      users: [{ username: "u", password: "p" }],
      shared_key: "k",
    },
    line_sockets: [{ tag: "l", path: agent.path("l.sock") }],
    stdin: { tag: "in" },
    monitor: { port: monitorPort },
  });
  expect(problems).toEqual([]);
  expect(fine).toEqual([
    `forward: 127.0.0.1:${port} is free`,
    `forward: ${agent.path("f.sock")} can be made`,
    "forward: who sends must have the shared key and one of 1 users",
    `line_sockets "l": ${agent.path("l.sock")} can be made`,
    'stdin: its lines are sent as "in"',
    `monitor: 127.0.0.1:${monitorPort} is free`,
  ]);
  expect((await check(agent, { forward: { port } })).fine).toContain("forward: whoever reaches it may send");
});

test.each([
  ["0.0.0.0", true],
  ["::", true],
  ["10.0.0.5", true],
  ["fe80::1%eth0", true],
  ["::ffff:10.0.0.5", true],
  ["logs.example.com", true],
  ["127.0.0.1", false],
  ["127.8.0.1", false],
  ["::1", false],
  ["0:0:0:0:0:0:0:1", false],
  ["::ffff:127.0.0.1", false],
  ["localhost", false],
])("whether other hosts reach %s is known: %j", (bind, isReached) => {
  const accepts = (forward: object) => forwardConfigSchema.safeParse({ bind, ...forward }).success;
  expect(accepts({ port: 24_224 })).toBe(!isReached);
  // Whoever wants it so says so, asks for something, or listens on no port.
  expect(accepts({ port: 24_224, insecure: true })).toBe(true);
  expect(accepts({ port: 24_224, shared_key: "k" })).toBe(true);
  expect(accepts({ port: 24_224, shared_key_file: "/k" })).toBe(true);
  expect(accepts({ port: 24_224, tls: { cert_file: "/c", key_file: "/k" } })).toBe(true);
  expect(accepts({ unix_path: "/run/f.sock" })).toBe(true);
});

test("an address that stands open to other hosts is warned of at each start, one that does not is not", async () => {
  await using agent = await AgentFixture.make();
  const warnings = async (forward: object) => {
    const said: string[] = [];
    const log = pino({ level: "warn" }, { write: (line: string) => void said.push(line) });
    await using running = new RunningAgent(agent, { forward: { port: 0, ...forward } }, log);
    await running.until(() => running.phases.includes("ready"));
    return said.filter((line) => line.includes("may send"));
  };
  const open = { bind: "0.0.0.0", insecure: true };
  expect(await warnings(open)).toHaveLength(1);
  expect(await warnings(open)).toHaveLength(1);
  expect(await warnings({ ...open, shared_key: "k" })).toEqual([]);
  expect(await warnings({})).toEqual([]);
});

test("a key file that is empty or blank is refused by run, too", async () => {
  await using agent = await AgentFixture.make();
  const forward = { unix_path: agent.path("f.sock"), shared_key_file: agent.path("forward.key") };
  for (const text of ["", " \n\t\n", "\uFEFF\n"]) {
    await writeFile(agent.path("forward.key"), text);
    await using child = await AgentChild.start(agent, ["run"], { forward });
    expect(await child.ended).toMatchObject({
      code: 1,
      stderr: expect.stringContaining(`${agent.path("forward.key")}: holds no key`),
    });
  }
  expect(() =>
    agent.config({ forward: { ...forward, shared_key_file: undefined, shared_key: " " } }),
  ).toThrow("blank");
});

test("a secret that every user of the host can read is told by check and by run", async () => {
  await using agent = await AgentFixture.make();
  const key = agent.path("forward.key");
  await writeFile(key, "hunter2-hunter2");
  const forward = { unix_path: agent.path("f.sock"), shared_key_file: key };
  const said = async (command: string, overrides: object) => {
    await using child = await AgentChild.start(agent, [command], overrides);
    if (command === "run") {
      await child.until(() => child.stderr.includes("taking events"));
      child.signal("SIGTERM");
    }
    const { stdout, stderr } = await child.ended;
    expect(stdout + stderr).not.toContain("hunter2-hunter2");
    return stdout + stderr;
  };
  const warning = (path: string) => `every user of this host can read it: chmod o-r ${path}`;
  for (const command of ["check", "run"]) {
    await chmod(key, 0o644);
    expect(await said(command, { forward })).toContain(warning(key));
    await chmod(key, 0o640);
    expect(await said(command, { forward })).not.toContain("chmod");
    const shared_key = "hunter2-hunter2";
    expect(await said(command, { forward: { unix_path: forward.unix_path, shared_key } })).toContain(
      warning(agent.path("agent.toml")),
    );
  }
});

test("what would keep an input from listening is named, all of it", async () => {
  await using agent = await AgentFixture.make();
  const other = createServer().listen(0, "127.0.0.1");
  await once(other, "listening");
  const { port } = other.address() as { port: number };
  await mkdir(agent.path("l.sock"));
  await writeFile(agent.path("empty.key"), "\n");
  const { problems } = await check(agent, {
    forward: { port, unix_path: "/no/such/dir/f.sock", shared_key_file: agent.path("empty.key") },
    line_sockets: [{ tag: "l", path: agent.path("l.sock") }],
  });
  other.close();
  expect(problems).toEqual([
    expect.stringContaining(`EADDRINUSE: address already in use 127.0.0.1:${port}`),
    expect.stringMatching(/^forward: ENOENT.*\/no\/such\/dir/),
    `forward: ${agent.path("empty.key")}: holds no key`,
    `line_sockets "l": ${agent.path("l.sock")} is there, and no socket`,
  ]);
});

test("a port that the running agent has is no problem", async () => {
  await using agent = await AgentFixture.make();
  const forward = { port: await freePort() };
  await using running = new RunningAgent(agent, { forward });
  await running.until(() => running.phases.includes("ready"));
  const { problems, fine } = await check(agent, { forward });
  expect(problems).toEqual([]);
  expect(fine[0]).toBe(`forward: 127.0.0.1:${forward.port} is in use, and the agent runs`);
});

test.skipIf(!hasOpenssl)(
  "a key that is not the certificate's is named, and so is one that is not there (needs openssl)",
  async () => {
    await using agent = await AgentFixture.make();
    for (const name of ["a", "b"]) {
      const curve =
        "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=localhost";
      const files = ["-keyout", agent.path(`${name}.key`), "-out", agent.path(`${name}.pem`)];
      expect(spawnSync("openssl", [...curve.split(" "), ...files]).status).toBe(0);
    }
    const port = await freePort();
    const attempt = (cert: string, key: string) =>
      check(agent, { forward: { port, tls: { cert_file: agent.path(cert), key_file: agent.path(key) } } });
    expect((await attempt("a.pem", "a.key")).fine).toContainEqual(
      expect.stringMatching(/key and certificate match, valid until .*, which is soon$/),
    );
    expect((await attempt("a.pem", "b.key")).problems).toEqual([
      expect.stringMatching(/^forward: tls: .*key values mismatch/),
    ]);
    expect((await attempt("a.pem", "none.key")).problems).toEqual([
      expect.stringMatching(/^forward: tls: .*none.key: ENOENT/),
    ]);
  },
);

test("a spool that the disk cannot hold is a problem, one that it can is none", async () => {
  await using agent = await AgentFixture.make();
  const config = agent.config({ forward: { port: 1 } });
  expect(await checkSpool(config, async () => 2 ** 30)).toMatchObject([{ isProblem: false }]);
  expect(await checkSpool(config, async () => 2 ** 30 - 1)).toMatchObject([{ isProblem: true }]);
  expect(await checkSpool(config)).toMatchObject([{ text: expect.stringMatching(/the disk has \d+ more/) }]);
  expect(await checkSpool(agent.config())).toEqual([]);
});
