import { appendFile, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { pino } from "pino";
import { expect, test } from "vitest";
import { isLocal } from "../../agent/tail/disk/file-system.ts";
import { LookSchedule } from "../../agent/tail/discovery/look-schedule.ts";
import { toTick } from "../../agent/steady-clock.ts";
import { TailHarness } from "./tail-harness.ts";

const log = pino({ level: "silent" });
const DAY_MS = 86_400_000;

async function idleFile(tail: TailHarness) {
  await writeFile(tail.path("a.log"), "one\n");
  await tail.poll();
  return tail.files[0]!;
}

test("an idle file is looked at less and less often, up to a bound", async () => {
  await using tail = await TailHarness.make();
  const file = await idleFile(tail);
  let idleMs = 0;
  const now = (): number => file.changedAtMs + idleMs;
  const schedule = new LookSchedule({ idlePollMs: 1_000, watchedPollMs: 0, log, now });
  const isDueAfter = (ms: number): boolean => {
    idleMs = ms;
    return [...schedule.due([file], false)].length === 1;
  };
  expect([0, 1_999, 4_000, 4_199, 4_200, 60_000, 60_999, 61_000].map(isDueAfter)).toEqual([
    true,
    true,
    true,
    false,
    true,
    true,
    false,
    true,
  ]);
});

test("looking at many files takes a bounded part of the time, and they are looked at once a second at least", async () => {
  await using tail = await TailHarness.make();
  const file = await idleFile(tail);
  const schedule = new LookSchedule({ idlePollMs: 1_000, watchedPollMs: 0, log, now: Date.now });
  const leastPauseMs = (files: number): number => {
    expect([...schedule.due(Array(files).fill(file), true)]).toHaveLength(files);
    return schedule.leastPauseMs;
  };
  expect([0, 100, 1_000, 2_000, 10_000].map(leastPauseMs)).toEqual([0, 50, 500, 1_000, 1_000]);
});

test.runIf(isLocal(tmpdir()))(
  "case 37: a file is looked at when the kernel tells of a change, and after a while if that never comes",
  async () => {
    await using tail = await TailHarness.make();
    const file = await idleFile(tail);
    let nowMs = file.changedAtMs + DAY_MS;
    const schedule = new LookSchedule({ idlePollMs: 1_000, watchedPollMs: 10_000, log, now: () => nowMs });
    try {
      const due = (): number => [...schedule.due([file], false)].length;
      schedule.watch(new Set([tail.directory]));
      expect([due(), due(), file.whyPolled]).toEqual([1, 0, undefined]);
      const woken = schedule.pause(DAY_MS, new AbortController().signal);
      await appendFile(tail.path("a.log"), "two\n");
      await woken;
      expect([due(), due()]).toEqual([1, 0]);
      nowMs += 10_000;
      expect(due()).toBe(1);
    } finally {
      schedule.close();
    }
  },
);

test("files of which none is due are not asked, unless they may be others than before", async () => {
  await using tail = await TailHarness.make();
  const file = await idleFile(tail);
  let nowMs = file.changedAtMs + DAY_MS;
  const schedule = new LookSchedule({ idlePollMs: 1_000, watchedPollMs: 0, log, now: () => nowMs });
  let asked = 0;
  const files = {
    *[Symbol.iterator]() {
      asked++;
      yield file;
    },
  };
  const due = (): number => [...schedule.due(files, false)].length;
  expect([due(), asked]).toEqual([1, 1]);
  nowMs += 999;
  expect([due(), asked]).toEqual([0, 1]);
  schedule.startOver();
  expect([due(), asked]).toEqual([0, 2]);
  nowMs++;
  expect([due(), asked]).toEqual([1, 3]);
});

test("those who wait for a second or more wake at the turn of one, within half a second of when they would", () => {
  expect([0, 300, 499, 501, 999].map((pastMs) => toTick(1_000, 5_000 + pastMs))).toEqual([
    1_000, 700, 501, 1_499, 1_001,
  ]);
  expect([toTick(10, 5_300), toTick(250, 5_300), toTick(5_000, 5_300)]).toEqual([10, 250, 4_700]);
});

test.runIf(isLocal(tmpdir())).each([
  ["idles", DAY_MS, undefined],
  ["grows", 0, "its files change often"],
])("a directory is watched while a file of it %s", async (_does, idleMs, whyPolled) => {
  await using tail = await TailHarness.make();
  const file = await idleFile(tail);
  const now = (): number => file.changedAtMs + idleMs;
  const schedule = new LookSchedule({ idlePollMs: 1_000, watchedPollMs: 10_000, log, now });
  const look = (): number => [...schedule.due([file], false)].length;
  try {
    schedule.watch(new Set([tail.directory]));
    look();
    for (let events = 0; events < 6; events++) {
      await appendFile(tail.path("a.log"), "two\n");
      // An event for one that grows wakes nobody.
      await schedule.pause(idleMs > 0 ? DAY_MS : 20, new AbortController().signal);
      look();
    }
    expect(file.whyPolled).toBe(whyPolled);
  } finally {
    schedule.close();
  }
});
