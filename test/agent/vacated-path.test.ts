import { appendFile, rename } from "node:fs/promises";
import { expect, test } from "vitest";
import { ROTATED_IDLE_MS, TailHarness } from "./tail-harness.ts";

test.each([
  ["while the one before is read on", 0],
  ["after the one before has ended", ROTATED_IDLE_MS],
])("a file that comes and goes between two looks is read, though none comes after it: %s", async (_, ms) => {
  await using tail = await TailHarness.make();
  const log = tail.path("a.log");
  await appendFile(log, "first\n");
  await tail.poll();
  await rename(log, `${log}.1`);
  await tail.poll();
  tail.pass(ms);
  tail.acknowledge();
  await tail.poll();
  await rename(`${log}.1`, `${log}.2`);
  await appendFile(log, "second\n");
  await rename(log, `${log}.1`);
  await tail.poll();
  expect(tail.contents()).toEqual(["first\n", "second\n"]);
});
