import { spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdir, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { expect, test } from "vitest";
import { checkInputs } from "../../agent/check/check-inputs.ts";
import { checkSpool } from "../../agent/check/check-spool.ts";
import type { Finding } from "../../agent/check/finding.ts";
import { freePort } from "../../local/part.ts";
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
    `forward: ${agent.path("empty.key")} holds no key`,
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
