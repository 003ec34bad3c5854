import { spawnSync } from "node:child_process";
import { chmod, readFile, writeFile } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { AgentChild } from "./agent-child.ts";
import { AgentFixture } from "./agent-fixture.ts";

const UNIT = join(import.meta.dirname, "../../packaging/weir-agent.service");
const hasSystemd = spawnSync("systemd-analyze", ["--version"]).status === 0;

let agent: AgentFixture;
beforeAll(async () => void (agent = await AgentFixture.make()));
afterAll(() => agent[Symbol.asyncDispose]());

test("systemd is told that the agent is ready, alive, reloading, not reloading and stopping", async () => {
  await using agent = await AgentFixture.make();
  const told = agent.path("told.txt");
  await writeFile(told, "");
  await writeFile(agent.path("systemd-notify"), `#!/bin/sh\necho "$@" >> '${told}'\n`);
  await chmod(agent.path("systemd-notify"), 0o755);
  const environment = {
    PATH: `${agent.directory}${delimiter}${process.env["PATH"]}`,
    NOTIFY_SOCKET: agent.path("notify"),
    WATCHDOG_USEC: "300000",
  };
  await using child = await AgentChild.start(agent, ["run"], {}, environment);
  const has = async (pattern: RegExp) => pattern.test(await readFile(told, "utf8"));
  await child.until(() => has(/^READY=1 STATUS=Waiting for the stream$/m));
  await child.until(() => has(/^STATUS=Following files$/m));
  await child.until(() => has(/(^WATCHDOG=1$[^]*){3}/m));
  const config = await readFile(agent.path("agent.toml"), "utf8");
  await child.rewrite("unknown = 1");
  child.signal("SIGHUP");
  await child.until(() => has(/^STATUS=The changed configuration was refused/m));
  await child.rewrite(config);
  child.signal("SIGHUP");
  await child.until(() => has(/^RELOADING=1 MONOTONIC_USEC=\d+$[^]*^READY=1 /m));
  expect((await child.kill("SIGTERM")).code).toBe(0);
  expect(await has(/^STOPPING=1 /m)).toBe(true);
});

describe.skipIf(!hasSystemd)("the unit", () => {
  test("is one that systemd takes without a warning", async () => {
    const unit = agent.path("weir-agent.service");
    const text = (await readFile(UNIT, "utf8")).replaceAll("/opt/weir/bin/weir-agent", process.execPath);
    await writeFile(unit, text);
    const { status, stderr } = spawnSync("systemd-analyze", ["verify", unit], { encoding: "utf8" });
    expect(stderr.split("\n").filter((line) => line.includes("weir-agent"))).toEqual([]);
    expect(status).toBe(0);
  });

  test("is exposed less than 2.0 of 10 by systemd's own measure", () => {
    const args = ["security", "--offline=true", "--threshold=20", UNIT];
    const { status, stdout, stderr } = spawnSync("systemd-analyze", args, { encoding: "utf8" });
    expect(status, stdout.slice(-500) + stderr).toBe(0);
  });
});
