import type * as FsPromises from "node:fs/promises";
import { appendFile, copyFile, rename, truncate, writeFile } from "node:fs/promises";
import { pino } from "pino";
import { expect, test, vi } from "vitest";
import { delivered, expectNoRepeats } from "./cases/tail-case.ts";
import { bySource, reassemble } from "./event.ts";
import { randomNumbers, RandomWriter } from "./random-writer.ts";
import { globOf, seeds } from "./seeds.ts";
import { ROTATED_IDLE_MS, TailHarness } from "./tail-harness.ts";

vi.mock("node:fs/promises", async (original) => {
  const { stepped } = await import("./stepped-fs.ts");
  return stepped(await original<typeof FsPromises>());
});

// Where reading goes through the thread pool, anything may happen meanwhile.
vi.mock("../../agent/tail/disk/file-system.ts", () => ({ isLocal: () => false }));

/** Does something the first time that an operation is about to come. */
function before(operation: string, run: () => Promise<void>): (what: string) => Promise<void> {
  let isOver = false;
  return async (what) => {
    if (isOver || !what.startsWith(operation)) return;
    isOver = true;
    await run();
  };
}

const killed = async (): Promise<never> => {
  throw new Error("killed");
};

test("truncated and written anew between what is found out of a file and its first read: nothing comes twice", async () => {
  await using tail = await TailHarness.make();
  await writeFile(tail.path("a.log"), "one\n");
  await tail.pollStepped(before("remembered", () => writeFile(tail.path("a.log"), "two\nthree\n")));
  await tail.poll();
  await tail.poll();
  expect(delivered(tail)).toEqual(["two\nthree\n"]);
});

test("truncated and written anew right after a read: what was read is of the old source or of none", async () => {
  await using tail = await TailHarness.make();
  await writeFile(tail.path("a.log"), "one\n");
  await tail.poll();
  await appendFile(tail.path("a.log"), "two\n");
  let reads = 0;
  await tail.pollStepped(async (what) => {
    if (what.startsWith("read of") && ++reads === 2)
      await writeFile(tail.path("a.log"), "three\nfour\nfive\n");
  });
  await tail.poll();
  expect(delivered(tail)).toEqual(["one\n", "three\nfour\nfive\n"]);
});

test("killed between the truncation that it found and the copy that it looks for: the copy is read on", async () => {
  await using tail = await TailHarness.make();
  await writeFile(tail.path("a.log"), "one\n");
  await tail.poll();
  await appendFile(tail.path("a.log"), "two\n");
  await copyFile(tail.path("a.log"), tail.path("a.log.1"));
  await truncate(tail.path("a.log"));
  await tail.pollStepped(before("readdir", killed));
  await tail.crash();
  await tail.poll();
  expect(delivered(tail)).toEqual(["one\ntwo\n"]);
});

test("a copy that is found half made is not read beside its original", async () => {
  await using tail = await TailHarness.make();
  await writeFile(tail.path("a.log"), "one\ntwo\n");
  await tail.poll();
  tail.acknowledge();
  await writeFile(tail.path("a.log.1"), "one\n");
  await tail.restart();
  await tail.poll();
  await appendFile(tail.path("a.log.1"), "two\n");
  await truncate(tail.path("a.log"));
  await appendFile(tail.path("a.log"), "3\n");
  await tail.poll();
  await tail.poll();
  expectNoRepeats(tail);
  expect(delivered(tail)).toEqual(["3\n", "one\ntwo\n"]);
});

test("a copy that is made whole, and its original truncated, while they are compared is not read beside it", async () => {
  await using tail = await TailHarness.make({ glob: "*.log*" });
  await writeFile(tail.path("a.log"), "one\ntwo\n");
  await tail.poll();
  await writeFile(tail.path("a.log.1"), "one\n");
  await tail.pollStepped(async (what) => {
    if (what !== `open ${tail.path("a.log")}`) return;
    await writeFile(tail.path("a.log.1"), "one\ntwo\n");
    await truncate(tail.path("a.log"));
  });
  await tail.poll();
  expect(delivered(tail)).toEqual(["one\ntwo\n"]);
});

test("a file that is renamed while the directory is listed is found", async () => {
  await using tail = await TailHarness.make();
  await writeFile(tail.path("a.log"), "one\n");
  await tail.poll();
  tail.acknowledge();
  await tail.restart(async () => {
    await appendFile(tail.path("a.log"), "two\n");
    await rename(tail.path("a.log"), tail.path("a.log.1"));
  });
  const shift = before("stat", () => rename(tail.path("a.log.1"), tail.path("a.log.2")));
  let isListed = false;
  await tail.pollStepped(async (what) => {
    if (isListed) await shift(what);
    isListed ||= what.startsWith("readdir");
  });
  await tail.poll();
  expect(delivered(tail)).toEqual(["one\ntwo\n"]);
});

test.each(seeds(20))(
  "seed %i: files that change, and an agent that dies, between any two operations of a look",
  async (seed) => {
    const random = randomNumbers(seed);
    const story: string[] = [];
    const log = pino({ level: "debug", base: null, timestamp: false }, { write: (line) => story.push(line) });
    await using tail = await TailHarness.make({ log, glob: globOf(seed) });
    const writer = new RandomWriter(tail.path("a.log"), random);
    let isQuiet = false;
    const change = async (): Promise<void> => {
      const generation = writer.generations.length;
      story.push(`    ${await writer.stepPart()} (generation ${generation})`);
    };
    const between = async (what: string): Promise<void> => {
      if (!isQuiet && random() < 0.25) await change();
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
      const looked = writer.beforeLook();
      isQuiet = random() < 0.2;
      await tail.pollStepped(between);
      if (!tail.isKilled) looked();
      if (!tail.isKilled && isQuiet) {
        tail.acknowledge();
        tail.checkpoint();
        writer.wasDelivered();
      }
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
