import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { heartbeatSchema } from "../../wire/heartbeat.ts";
import { AgentChild } from "./agent-child.ts";
import { AgentFixture } from "./agent-fixture.ts";
import { bySource, type Event, reassemble } from "./event.ts";
import { randomNumbers, RandomWriter } from "./random-writer.ts";
import { globOf, seeds } from "./seeds.ts";
import { ROTATED_IDLE_MS, TailHarness } from "./tail-harness.ts";

function assertDelivered(events: readonly Event[], writer: RandomWriter): void {
  expect(writer.problems(Array.from(bySource(events).values(), reassemble))).toEqual([]);
}

test.each(seeds(10))(
  "seed %i: an agent that stops and crashes at any point delivers every range",
  async (seed) => {
    const random = randomNumbers(seed);
    await using tail = await TailHarness.make({ glob: globOf(seed) });
    const writer = new RandomWriter(tail.path("a.log"), random);
    const poll = async (): Promise<void> => {
      const looked = writer.beforeLook();
      await tail.poll();
      looked();
    };
    const someSteps = async (): Promise<void> => {
      for (let n = Math.floor(random() * 4); n > 0; n--) await writer.step();
    };
    await writer.write();
    await poll();
    for (let turn = 0; turn < 120; turn++) {
      const die = random();
      if (die < 0.45) await writer.step();
      else if (die < 0.75) await poll();
      else if (die < 0.83) tail.acknowledge();
      else if (die < 0.9) tail.checkpoint();
      else if (die < 0.92) tail.pass(ROTATED_IDLE_MS);
      else if (die < 0.95) {
        await poll();
        tail.acknowledge();
        writer.wasDelivered();
        await tail.restart(someSteps);
      } else await tail.crash(someSteps);
    }
    await tail.restart();
    for (let i = 0; i < 3; i++) await tail.drain();
    assertDelivered(tail.events, writer);
  },
);

// Seconds a seed, and what it finds depends on the moment as well: more of them run when they are asked for.
test.each(seeds(2))("seed %i: a process killed at any moment delivers every range", async (seed) => {
  const random = randomNumbers(seed);
  await using agent = await AgentFixture.make();
  const writer = new RandomWriter(agent.path("a.log"), random);
  await writer.write();
  // One request at a time: of bytes that are destroyed, those that came are a prefix.
  const producer = { aggregate_bytes: 1_024, linger_ms: 10, max_in_flight: 1 };
  const overrides = { heartbeat: { interval_ms: 100 }, producer };
  for (let kills = 0; kills < 3; kills++) {
    await using child = await AgentChild.start(agent, ["run"], overrides);
    // A file that leaves its name before the first agent has looked was there before its time.
    const before = agent.heartbeats.length;
    await child.until(() => agent.heartbeats.slice(before).some(namesActiveSource));
    for (let turn = random() * 60; turn > 0; turn--) {
      await writer.step();
      await sleep(random() * 20);
    }
    await writer.write();
    await child.kill("SIGKILL");
    for (let n = random() * 5; n > 0; n--) await writer.step();
    await writer.write();
  }
  await using last = await AgentChild.start(agent, ["run", "--until-drained"], overrides);
  expect(await last.ended).toMatchObject({ code: 0 });
  assertDelivered(agent.events, writer);
});

function namesActiveSource({ text }: Event): boolean {
  return heartbeatSchema.parse(JSON.parse(text)).sources.some(({ state }) => state === "active");
}
