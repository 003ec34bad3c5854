import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, onTestFinished, test } from "vitest";
import { RunState, withEarlier } from "../../local/run/run-state.ts";

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "weir-run-state-"));
});
afterEach(() => rmSync(dir, { recursive: true }));

const source = { id: "a", path: "/a.log", bytes: 10, lines: 2 };

/** Makes a run's state that of another process. */
function giveTo(pid: number): void {
  const file = join(dir, "run.json");
  writeFileSync(file, JSON.stringify({ ...JSON.parse(readFileSync(file, "utf8")), pid }));
}

async function endedPid(): Promise<number> {
  const child = spawn(process.execPath, ["--version"], { stdio: "ignore" });
  await once(child, "exit");
  return child.pid!;
}

test("a folder whose run has drained is gone on with, and knows what was delivered", async () => {
  const first = await RunState.open(dir);
  expect(first.earlier).toBeUndefined();
  await first.began();
  await first.drained([source, { id: "", path: "/unread.log", bytes: 5 }]);
  expect((await RunState.open(dir)).earlier).toEqual([source]);
});

test("a folder whose run has begun nothing is gone on with", async () => {
  await RunState.open(dir);
  giveTo(await endedPid());
  expect((await RunState.open(dir)).earlier).toEqual([]);
});

describe("is refused: a folder", () => {
  test("whose run was killed, with what would be lost and what to do", async () => {
    const first = await RunState.open(dir);
    await first.drained([source]);
    await (await RunState.open(dir)).began();
    giveTo(await endedPid());
    await expect(RunState.open(dir)).rejects.toThrow(
      /ended before everything had come out of its stream[^]*Name a new folder/,
    );
  });

  test("that another run is at work in", async () => {
    await RunState.open(dir);
    const other = spawn(process.execPath, ["-e", "setInterval(() => {}, 1000)"], { stdio: "ignore" });
    onTestFinished(() => void other.kill());
    giveTo(other.pid!);
    await expect(RunState.open(dir)).rejects.toThrow(new RegExp(`another run is at work.*\n.*${other.pid}`));
  });

  test.each([
    ["that is no run's", "notes.txt", "mine"],
    ["of a run that cannot be read", "run.json", "{}"],
  ])("%s", async (_claim, name, text) => {
    writeFileSync(join(dir, name), text);
    await expect(RunState.open(dir)).rejects.toThrow(/is not empty, and no run/);
  });
});

test("lines that were counted are known as long as nothing was added, and sources that are gone stay known", () => {
  const { lines: _lines, ...uncounted } = source;
  const gone = { id: "b", path: "/b.log", bytes: 3, lines: 1 };
  expect(withEarlier([uncounted], [source, gone])).toEqual([source, gone]);
  expect(withEarlier([{ ...uncounted, bytes: 11 }], [source])).toEqual([{ ...uncounted, bytes: 11 }]);
  expect(withEarlier([{ ...source, lines: 3, bytes: 15 }], [source])).toEqual([
    { ...source, lines: 3, bytes: 15 },
  ]);
});
