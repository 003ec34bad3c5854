import type * as Fs from "node:fs";
import { mkdir, utimes, writeFile } from "node:fs/promises";
import { expect, test, vi } from "vitest";
import type { TailState } from "../../agent/tail/files/tail-state.ts";
import { TailHarness } from "./tail-harness.ts";

const LONG_AGO_S = 1e9;

const opened = vi.hoisted(() => ({ files: 0 }));
vi.mock("node:fs", async (original) => {
  const real = await original<typeof Fs>();
  const openSync: typeof real.openSync = (...args) => {
    opened.files++;
    return real.openSync(...args);
  };
  return { ...real, openSync };
});

test("files of one name in many directories are compared without opening each for each other", async () => {
  expect(await opensFor(40)).toBeLessThanOrEqual(4 * 40);
});

test("nor when devices are renumbered", async () => {
  expect(await opensFor(40, renumbered)).toBeLessThanOrEqual(8 * 40);
});

test("nor when they are empty", async () => {
  expect(await opensFor(40, undefined, () => "")).toBeLessThanOrEqual(4 * 40);
});

/** @returns how often a file is opened when so many are found, and again at a restart if there is one */
async function opensFor(
  files: number,
  changed?: (state: TailState) => TailState,
  content = (file: number) => `2026-11-22T09:00:00 file ${file} begins\n`,
): Promise<number> {
  await using tail = await TailHarness.make({ glob: "*/app.log" });
  for (let file = 0; file < files; file++) {
    await mkdir(tail.path(`${file}`));
    await writeFile(tail.path(`${file}/app.log`), content(file));
    // What is younger may still become a copy.
    await utimes(tail.path(`${file}/app.log`), LONG_AGO_S, LONG_AGO_S);
  }
  opened.files = 0;
  await tail.poll();
  tail.acknowledge();
  if (changed) {
    await tail.restart(async () => {}, changed);
    await tail.poll();
  }
  expect(tail.contents().filter((text) => text !== "")).toHaveLength(content(0) === "" ? 0 : files);
  return opened.files;
}

function renumbered(state: TailState): TailState {
  const files = state.files.map(({ record, resume }) => {
    return { record: { ...record, file: { ...record.file, dev: `1${record.file.dev}` } }, resume };
  });
  return { ...state, files };
}
