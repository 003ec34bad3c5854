import { setImmediate } from "node:timers/promises";
import { expect, test } from "vitest";
import { reassemble } from "../event.ts";
import { type Operation, PowerLossFs } from "../power-loss-fs.ts";
import { event, SpoolRun } from "./spool-fixture.ts";

const numbered = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, i) => `event ${`${from + i}`.padStart(60, "0")}`);

const FAULTS: readonly (readonly [string, Operation, string])[] = [
  ["making a segment", "create", "EIO: i/o error, open"],
  ["making a segment", "create", "ENOSPC: no space left on device, open"],
  ["writing", "write", "EIO: i/o error, write"],
  ["writing", "write", "ENOSPC: no space left on device, write"],
  ["syncing", "datasync", "EIO: i/o error, fdatasync"],
  ["syncing a name", "syncDirectory", "EIO: i/o error, fsync"],
];

test.each(FAULTS)(
  "while %s fails (%s, %s) nothing is acknowledged, and then all of it is",
  async (_, failing, reason) => {
    const fs = new PowerLossFs();
    const run = await SpoolRun.open(fs);
    const acknowledged: string[] = [];
    const append = (texts: readonly string[]) =>
      texts.map((text) => run.spool.append([event(text)]).then(() => acknowledged.push(text)));
    // Enough for a roll to another segment within them.
    const [before, after] = [numbered(0, 5), numbered(5, 15)];
    await Promise.all(append(before));
    let isFailing = true;
    fs.before = (operation) => {
      if (isFailing && operation === failing) throw new Error(reason);
    };
    const appending = append(after);
    while (run.spool.error === undefined) await setImmediate();
    expect(run.spool.error).toBe(reason);
    const soFar = [...acknowledged];
    // What was acknowledged meanwhile went to the disk before the fault came: that is still there after it.
    isFailing = false;
    await Promise.all(appending);
    expect(run.spool.error).toBe(undefined);
    expect(acknowledged.slice(0, soFar.length)).toEqual(soFar);
    fs.powerLoss(() => 0.1);
    const events = await (await SpoolRun.open(fs)).deliver();
    expect(events.map(({ text }) => text)).toEqual([...before, ...after]);
    reassemble(events);
  },
);

test("a segment that cannot be deleted is deleted later, and is not delivered again", async () => {
  const fs = new PowerLossFs();
  const run = await SpoolRun.open(fs);
  for (const text of numbered(0, 20)) await run.spool.append([event(text)]);
  await run.deliver();
  fs.before = (operation) => {
    if (operation === "remove") throw new Error("EIO: i/o error, unlink");
  };
  const { length } = run.spool.segments;
  const position = await run.checkpoint();
  expect(run.spool.segments).toHaveLength(length);
  expect(await (await SpoolRun.open(fs, position)).deliver()).toEqual([]);
  fs.before = () => {};
  await run.checkpoint();
  expect(await fs.list("/spool/pushed")).toHaveLength(1);
});

test("a spool leaves others their part of the disk, and goes on when something is delivered", async () => {
  const fs = new PowerLossFs();
  fs.room = 3_000;
  const run = await SpoolRun.open(fs, undefined, { minFreeBytes: 1_000 });
  const lines = numbered(0, 60);
  let acknowledged = 0;
  const appending = lines.map((text) => run.spool.append([event(text)]).then(() => acknowledged++));
  const delivered: string[] = [];
  while (delivered.length < lines.length) {
    while (run.spool.error === undefined && acknowledged < lines.length) await setImmediate();
    expect(await fs.freeBytes()).toBeGreaterThanOrEqual(1_000);
    delivered.push(...(await run.deliver()).map(({ text }) => text));
    await run.checkpoint();
    await setImmediate();
  }
  await Promise.all(appending);
  expect(delivered).toEqual(lines);
  expect(run.spool.error).toBe(undefined);
});

for (const overflow of ["drop-oldest", "drop-newest"] as const) {
  test(`${overflow}: what was left out before a restart is a gap after it`, async () => {
    const fs = new PowerLossFs();
    const bounds = { maxBytes: 1_000, overflow };
    const run = await SpoolRun.open(fs, undefined, bounds);
    const lines = numbered(0, 40);
    for (const text of lines) await run.spool.append([event(text)]);
    // Of the newest, the gap goes to the disk with the next event that is kept.
    const position = run.position;
    if (overflow === "drop-newest") {
      await run.deliver();
      await run.checkpoint();
      await run.spool.append([event("after")]);
    }
    fs.powerLoss(() => 0.1);
    const next = await SpoolRun.open(fs, position, bounds);
    const events = await next.deliver();
    const gaps = events.flatMap(({ position }) => position.gap ?? []);
    expect(gaps.map(({ reason }) => reason)).toContain("overflow");
    const size = 40 * 67 + (overflow === "drop-newest" ? "after\n".length : 0);
    const last = events.at(-1)!.position;
    expect(last.offset + last.extent).toBe(size);
    expect(next.reader.dropped.bytes).toBeGreaterThan(0);
  });
}

test("a drain of what the disk does not give any more ends with an error", async () => {
  const fs = new PowerLossFs();
  const run = await SpoolRun.open(fs);
  await run.spool.append([event("kept")]);
  fs.before = () => {
    throw new Error("EIO: i/o error");
  };
  const blocks = run.reader.drain(new AbortController().signal, 2);
  await expect(blocks.next()).rejects.toMatchObject({
    code: "SPOOL",
    message: expect.stringMatching(/bytes 0 to 5 cannot be read: EIO/),
  });
});
