import { appendFile, copyFile, rename, rm, truncate, utimes, writeFile } from "node:fs/promises";
import { expect, test, vi } from "vitest";
import type * as FileIdentityModule from "../../agent/tail/disk/file-identity.ts";
import type { FileIdentity } from "../../agent/tail/disk/file-identity.ts";
import type { FilePosition, TailState } from "../../agent/tail/files/tail-state.ts";
import { delivered, expectNoRepeats } from "./cases/tail-case.ts";
import { TailHarness } from "./tail-harness.ts";

const DAY_MS = 86_400_000;

/** What file systems without birth times answer. */
const hasBirthTimes = vi.hoisted(() => ({ value: true }));
vi.mock("../../agent/tail/disk/file-identity.ts", async (original) => {
  const real = await original<typeof FileIdentityModule>();
  const identify: typeof real.identify = (stat) => {
    const identity = real.identify(stat);
    return hasBirthTimes.value ? identity : { ...identity, birthtimeNs: "0" };
  };
  return { ...real, identify };
});

function renumbered(state: TailState): TailState {
  const moved = (file: FileIdentity): FileIdentity => ({ ...file, dev: `${BigInt(file.dev) + 7n}` });
  const files = state.files.map(({ record, resume }) => {
    return { record: { ...record, file: moved(record.file) }, resume };
  });
  return { ...state, files, copies: state.copies.map((copy) => ({ ...copy, file: moved(copy.file) })) };
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

test("nor does it make sources of copies whose original was forgotten", async () => {
  await using tail = await TailHarness.make({ glob: "*" });
  await writeFile(tail.path("a.log"), "one\n");
  await tail.poll();
  await copyFile(tail.path("a.log"), tail.path("a.log.1"));
  await tail.poll();
  await truncate(tail.path("a.log"));
  await appendFile(tail.path("a.log"), "next\n");
  await tail.poll();
  tail.acknowledge();
  tail.pass(DAY_MS);
  for (const file of tail.files) if (file.phase === "ended") tail.forget(file);
  expect(tail.files).toHaveLength(1);
  await tail.restart(async () => {}, renumbered);
  await tail.poll();
  expect(delivered(tail)).toEqual(["next\n", "one\n"]);
});

test("numbers that are negative come back from a checkpoint", async () => {
  await using tail = await TailHarness.make();
  await writeFile(tail.path("a.log"), "one\n");
  // Before 1970; and an inode of more than 63 bits is negative in Node.
  await utimes(tail.path("a.log"), new Date(-DAY_MS), new Date(-DAY_MS));
  await tail.poll();
  tail.acknowledge();
  expect(tail.files[0]!.known.verified!.mtimeNs).toBe("-86400000000000");
  await tail.restart(
    async () => {},
    (state) => {
      const [{ record, resume }] = state.files as [FilePosition];
      const other = { ...record, file: { ...record.file, ino: "-1" }, location: "/none" };
      return { ...state, files: [...state.files, { record: other, resume }] };
    },
  );
  await tail.poll();
  expectNoRepeats(tail);
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
  await copyFile(tail.path("a.log"), tail.path("a.log.1"));
  await rm(tail.path("a.log"));
  await tail.poll();
  tail.acknowledge();
  await tail.restart(() => appendFile(tail.path("a.log.1"), "two\n"));
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
