import type * as FsPromises from "node:fs/promises";
import { pino } from "pino";
import { expect, test, vi } from "vitest";
import { bySource, reassemble } from "./event.ts";
import { randomNumbers, RandomWriter } from "./random-writer.ts";
import { seeds } from "./seeds.ts";
import { ROTATED_IDLE_MS, TailHarness } from "./tail-harness.ts";

vi.mock("node:fs/promises", async (original) => {
  const { stepped } = await import("./stepped-fs.ts");
  return stepped(await original<typeof FsPromises>());
});

test.each(seeds(20))(
  "seed %i: files that change, and an agent that dies, between any two operations of a look",
  async (seed) => {
    const random = randomNumbers(seed);
    const story: string[] = [];
    const log = pino({ level: "debug", base: null, timestamp: false }, { write: (line) => story.push(line) });
    await using tail = await TailHarness.make({ log });
    const writer = new RandomWriter(tail.path("a.log"), random);
    const change = async (): Promise<void> => {
      const generation = writer.generations.length;
      story.push(`    ${await writer.stepPart()} (generation ${generation})`);
    };
    const between = async (what: string): Promise<void> => {
      if (random() < 0.25) await change();
      story.push(what);
      const die = random();
      if (die < 0.02) throw new Error("killed");
      else if (die < 0.1) tail.send();
      else if (die < 0.15) tail.acknowledge();
      else if (die < 0.2) tail.checkpoint();
    };
    await writer.write();
    await tail.poll();
    for (let turn = 0; turn < 60; turn++) {
      if (random() < 0.3) await change();
      await tail.pollStepped(between);
      if (random() < 0.05) tail.pass(ROTATED_IDLE_MS);
      story.push(tail.isKilled ? "killed" : "-- looked");
      if (!tail.isKilled) continue;
      await tail.crash(async () => {
        for (let n = Math.floor(random() * 4); n > 0; n--) await change();
      });
    }
    await writer.finish();
    await tail.restart();
    for (let i = 0; i < 3; i++) await tail.drain();
    const problems = writer.problems(Array.from(bySource(tail.events).values(), reassemble));
    if (process.env["WEIR_SEED"]) console.log(story.join("\n").replaceAll(`${tail.directory}/`, ""));
    expect(problems).toEqual([]);
  },
);
