import { appendFile, readFile, rename, rm, writeFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { reportFile } from "../../../agent/heartbeats.ts";
import { AgentFixture, lines } from "../agent-fixture.ts";
import { bySource, reassemble } from "../event.ts";
import { RunningAgent } from "../running-agent.ts";
import { ROTATED_IDLE_MS } from "../tail-harness.ts";
import { tailCase } from "./tail-case.ts";

/** More than is read at once. */
const LONG = lines(60_000, "a line that fills more than one window of a mebibyte");

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
  const text = await readFile(agent.path("state/checkpoint.json"), "utf8");
  const { files } = JSON.parse(text) as { files: { record: { isNamed: boolean } }[] };
  return files.filter(({ record }) => record.isNamed).length;
}
