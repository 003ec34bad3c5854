import { spawn } from "node:child_process";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { stringify } from "smol-toml";
import { expect, test } from "vitest";
import { AgentFixture } from "./agent-fixture.ts";

const WEIR = join(import.meta.dirname, "../../bin/weir.ts");

test("an agent whose log nobody reads delivers everything, and ends", async () => {
  await using agent = await AgentFixture.make();
  // A line of the log for each: several times what a pipe holds.
  for (let i = 0; i < 2_000; i++) await writeFile(agent.path(`${i}.log`), `file ${i}\n`);
  await writeFile(agent.path("agent.toml"), stringify(agent.settings({ tail: {}, producer: {} })));
  const args = [WEIR, "agent", "run", "--until-drained", "--config", agent.path("agent.toml")];
  const child = spawn(process.execPath, args, { stdio: ["ignore", "ignore", "pipe"] });
  try {
    child.stderr.pause();
    expect(await once(child, "exit")).toEqual([0, null]);
    expect(agent.events).toHaveLength(2_000);
  } finally {
    child.kill("SIGKILL");
  }
});
