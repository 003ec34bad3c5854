import { appendFile, copyFile, rename, truncate, utimes, writeFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { delivered, expectNoRepeats } from "./cases/tail-case.ts";
import { TailHarness } from "./tail-harness.ts";

const TEXT = "line one\nline two\n";
const EARLIER = "earlier\n";

/** How the agent comes to know the original. Each returns what else is to be delivered. */
const originals: Record<string, (tail: TailHarness) => Promise<readonly string[]>> = {
  "that is read": async (tail) => {
    await writeFile(tail.path("a.log"), TEXT);
    await tail.poll();
    return [];
  },
  "of which only a part is read": async (tail) => {
    await writeFile(tail.path("a.log"), TEXT.slice(0, 11));
    await tail.poll();
    await appendFile(tail.path("a.log"), TEXT.slice(11));
    return [];
  },
  "that is found with it": async (tail) => {
    await writeFile(tail.path("a.log"), TEXT);
    return [];
  },
  "that is found with it, after a rotation": async (tail) => {
    await writeFile(tail.path("a.log"), EARLIER);
    await tail.poll();
    await rename(tail.path("a.log"), tail.path("a.log.2"));
    // Birth times have the grain of the kernel's clock.
    await sleep(20);
    await writeFile(tail.path("a.log"), TEXT);
    return [EARLIER];
  },
  "that was written anew since it was read": async (tail) => {
    await writeFile(tail.path("a.log"), EARLIER);
    await tail.poll();
    await writeFile(tail.path("a.log"), TEXT);
    return [EARLIER];
  },
};

const cases = Object.keys(originals).flatMap((original) =>
  ["*.log", "*.log*"].flatMap((glob) => [0, 4, 9, 13, 18].map((made) => ({ original, glob, made }))),
);

test.each(cases)(
  "a copy that is found when it has $made of 18 bytes, of a file $original, is not read beside it: $glob",
  async ({ original, glob, made }) => {
    await using tail = await TailHarness.make({ glob });
    const others = await originals[original]!(tail);
    await writeFile(tail.path("a.log.1"), TEXT.slice(0, made));
    await tail.poll();
    await tail.poll();
    await appendFile(tail.path("a.log.1"), TEXT.slice(made));
    await truncate(tail.path("a.log"));
    await tail.poll();
    await tail.poll();
    expectNoRepeats(tail);
    expect(delivered(tail)).toEqual([...others, TEXT].sort());
  },
);

test("a file is told from a copy by one drain, though its original was written anew since it was read", async () => {
  await using tail = await TailHarness.make({ glob: "*.log*" });
  await writeFile(tail.path("a.log"), EARLIER);
  await tail.poll();
  tail.acknowledge();
  await tail.restart(async () => {
    await writeFile(tail.path("a.log"), TEXT);
    await copyFile(tail.path("a.log"), tail.path("a.log.1"));
    await rest(tail.path("a.log.1"));
    await writeFile(tail.path("a.log.2"), "another\n");
  });
  await tail.drain();
  expect(delivered(tail)).toEqual(["another\n", EARLIER, TEXT, TEXT]);
});

test("a file is read, though the one that it might be a copy of is written anew before every look", async () => {
  await using tail = await TailHarness.make({ glob: "*.log*" });
  await writeFile(tail.path("a.log"), "state 0\n");
  await tail.poll();
  await writeFile(tail.path("a.log.1"), "another\n");
  for (const state of ["state 1\n", "state 2\n"]) {
    await writeFile(tail.path("a.log"), state);
    await tail.poll();
  }
  expect(delivered(tail)).toEqual(["another\n", "state 0\n", "state 1\n", "state 2\n"]);
});

test("less than a first line that has not become more for a while is a file of its own", async () => {
  await using tail = await TailHarness.make({ glob: "*.log*" });
  await writeFile(tail.path("a.log"), TEXT);
  await tail.poll();
  await writeFile(tail.path("a.log.1"), "line");
  await tail.poll();
  expect(delivered(tail)).toEqual([TEXT]);
  await rest(tail.path("a.log.1"));
  await tail.drain();
  expect(delivered(tail)).toEqual(["line", TEXT]);
});

/** It was not changed for longer than a copy is waited for. */
async function rest(path: string): Promise<void> {
  const aWhileAgo = new Date(Date.now() - 11_000);
  await utimes(path, aWhileAgo, aWhileAgo);
}
