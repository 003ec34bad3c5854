import { appendFile, rename, rm, writeFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { agentStatus } from "../../agent/monitor/agent-status.ts";
import { ROTATED_IDLE_MS, TailHarness } from "./tail-harness.ts";
import { vitals } from "./vitals.ts";

/** How far each file is read, by name. */
function positions(tail: TailHarness): Record<string, number> {
  const { files } = agentStatus({ ...vitals(0), files: tail.files });
  return Object.fromEntries(
    Object.entries(files).map(([path, { position }]) => [path.split("/").at(-1), position]),
  );
}

async function undoRotation(tail: TailHarness): Promise<void> {
  await writeFile(tail.path("a.log"), "one\n");
  await tail.poll();
  await rename(tail.path("a.log"), tail.path("a.log.1"));
  await writeFile(tail.path("a.log"), "x\n");
  await tail.poll();
  expect(positions(tail)).toEqual({ "a.log": 2, "a.log.1": 4 });
  await rm(tail.path("a.log"));
  await rename(tail.path("a.log.1"), tail.path("a.log"));
  await appendFile(tail.path("a.log"), "two\n");
}

test("after a rotation is undone the file that is back is told of, not the one that took its place", async () => {
  await using tail = await TailHarness.make();
  await undoRotation(tail);
  for (const ms of [0, ROTATED_IDLE_MS, ROTATED_IDLE_MS, 0]) {
    tail.pass(ms);
    await tail.poll();
    tail.acknowledge();
    expect(positions(tail)).toEqual({ "a.log": 8 });
  }
  expect(tail.files.map(({ phase }) => phase)).toEqual(["active", "ended"]);
});

test("of files that are gone from a path the last is told of", async () => {
  await using tail = await TailHarness.make();
  for (const text of ["one\n", "three\n"]) {
    await writeFile(tail.path("a.log"), text);
    await tail.poll();
    await rm(tail.path("a.log"));
    await tail.poll();
  }
  expect(tail.files).toHaveLength(2);
  expect(positions(tail)).toEqual({ "a.log": 6 });
});
