import { appendFile, rename } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { AgentChild } from "./agent-child.ts";
import { AgentFixture } from "./agent-fixture.ts";
import { bySource, reassemble } from "./event.ts";

const GENERATIONS = 6;
const BLOCKS_PER_GENERATION = 30;
const LINES_PER_BLOCK = 40;

/** What every generation of the file holds in the end; the last line has no line feed. */
function content(generation: number, block: number): string {
  const line = (i: number) => `generation ${generation}, block ${block}, line ${i} ${"x".repeat(i)}\n`;
  const text = Array.from({ length: LINES_PER_BLOCK }, (_, i) => line(i)).join("");
  return block === BLOCKS_PER_GENERATION - 1 ? text.slice(0, -1) : text;
}

/** Appends to a file and rotates it, the oldest generation having the highest number. */
async function write(agent: AgentFixture, kills: { count: number }): Promise<string[]> {
  const written: string[] = [];
  for (let generation = 0; generation < GENERATIONS; generation++) {
    let text = "";
    for (let block = 0; block < BLOCKS_PER_GENERATION; block++) {
      const part = content(generation, block);
      await appendFile(agent.path("a.log"), part);
      text += part;
      // Half of the kills find the writer still at work, the others a file at rest.
      if (block === 15 && generation % 2 === 0) while (kills.count <= generation) await sleep(5);
    }
    written.push(text);
    if (generation === GENERATIONS - 1) break;
    for (let n = generation; n >= 1; n--)
      await rename(agent.path(`a.log.${n}`), agent.path(`a.log.${n + 1}`));
    await rename(agent.path("a.log"), agent.path("a.log.1"));
  }
  return written;
}

test("an agent killed at any moment loses no line, and repeats only with the same identity", async () => {
  await using agent = await AgentFixture.make();
  const kills = { count: 0 };
  const writing = write(agent, kills);
  agent.kinesis.fault = (n) => (n % 7 === 3 ? "reset-after" : n % 5 === 2 ? "throttle-some" : "none");
  for (; kills.count < GENERATIONS; kills.count++) {
    // Heartbeats keep records coming where a file is at rest.
    await using child = await AgentChild.start(agent, ["run"], { heartbeat: { interval_ms: 100 } });
    const before = agent.kinesis.records.length;
    await child.until(() => agent.kinesis.records.length >= before + 4 + kills.count * 3);
    expect((await child.kill("SIGKILL")).code).toBe(null);
  }
  const written = await writing;
  await using last = await AgentChild.start(agent, ["run", "--until-drained"]);
  expect(await last.ended).toMatchObject({ code: 0 });
  const delivered = Array.from(bySource(agent.events).values(), reassemble);
  expect(delivered.sort()).toEqual(written.sort());
});
