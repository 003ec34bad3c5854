import { appendFile, copyFile, rename, rm, writeFile } from "node:fs/promises";
import { expect, test, vi } from "vitest";
import type * as FileIdentityModule from "../../agent/tail/file-identity.ts";
import type { TailState } from "../../agent/tail/tail-state.ts";
import { delivered, expectNoRepeats } from "./cases/tail-case.ts";
import { TailHarness } from "./tail-harness.ts";

/** What file systems without birth times answer. */
const hasBirthTimes = vi.hoisted(() => ({ value: true }));
vi.mock("../../agent/tail/file-identity.ts", async (original) => {
  const real = await original<typeof FileIdentityModule>();
  const identify: typeof real.identify = (stat) => {
    const identity = real.identify(stat);
    return hasBirthTimes.value ? identity : { ...identity, birthtimeNs: "0" };
  };
  return { ...real, identify };
});

function renumbered(state: TailState): TailState {
  const files = state.files.map(({ record, resume }) => ({
    record: { ...record, file: { ...record.file, dev: `${BigInt(record.file.dev) + 7n}` } },
    resume,
  }));
  return { ...state, files };
}

test("a device that has another number after a reboot changes no source", async () => {
  await using tail = await TailHarness.make({ glob: "*" });
  await writeFile(tail.path("a.log"), "one\n");
  await writeFile(tail.path("b.log"), "two\n");
  await tail.poll();
  tail.acknowledge();
  await tail.restart(() => appendFile(tail.path("a.log"), "more\n"), renumbered);
  await tail.poll();
  expectNoRepeats(tail);
  expect(delivered(tail)).toEqual(["one\nmore\n", "two\n"]);
});

test("without birth times, rotation, replacement and inodes used again lose nothing and repeat nothing", async () => {
  hasBirthTimes.value = false;
  try {
    await using tail = await TailHarness.make();
    await writeFile(tail.path("a.log"), "one\n");
    await tail.poll();
    tail.acknowledge();
    await rename(tail.path("a.log"), tail.path("a.log.1"));
    await writeFile(tail.path("a.log"), "two\n");
    await tail.poll();
    tail.acknowledge();
    await tail.restart(async () => {
      await rm(tail.path("a.log"));
      await rm(tail.path("a.log.1"));
      for (const name of ["c.log", "a.log"]) await writeFile(tail.path(name), `new ${name}\n`);
    });
    await tail.poll();
    expectNoRepeats(tail);
    expect(delivered(tail)).toEqual(["new a.log\n", "new c.log\n", "one\n", "two\n"]);
    const paths = tail.events.map(({ text, position }) => [text, position.source.path]);
    expect(paths).toContainEqual(["new c.log", tail.path("c.log")]);
  } finally {
    hasBirthTimes.value = true;
  }
});

test("a copy that grows after its original is gone is read on", async () => {
  await using tail = await TailHarness.make();
  await writeFile(tail.path("a.log"), "one\n");
  await tail.poll();
  tail.acknowledge();
  await tail.restart(async () => {
    await copyFile(tail.path("a.log"), tail.path("a.log.1"));
    await rm(tail.path("a.log"));
    await appendFile(tail.path("a.log.1"), "two\n");
  });
  await tail.poll();
  expectNoRepeats(tail);
  expect(delivered(tail)).toEqual(["one\ntwo\n"]);
});

test("a thousand files are followed with a few handles, through a restart and a rotation of all", async () => {
  await using tail = await TailHarness.make({ maxOpenFiles: 50 });
  const names = Array.from({ length: 1_000 }, (_, i) => `${i}.log`);
  for (const name of names) await writeFile(tail.path(name), `${name}\n`);
  await tail.poll();
  expect(tail.files.filter(({ isOpen }) => isOpen).length).toBeLessThanOrEqual(50);
  tail.acknowledge();
  await tail.restart(async () => {
    for (const name of names) await rename(tail.path(name), tail.path(`${name}.1`));
    for (const name of names.slice(500)) await appendFile(tail.path(`${name}.1`), "late\n");
  });
  await tail.drain();
  expectNoRepeats(tail);
  const late = (i: number): string => (i < 500 ? "" : "late\n");
  expect(delivered(tail)).toEqual(names.map((name, i) => `${name}\n${late(i)}`).sort());
});
