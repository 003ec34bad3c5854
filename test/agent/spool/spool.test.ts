import { mkdtemp, open, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setImmediate } from "node:timers/promises";
import { pino } from "pino";
import { expect, test } from "vitest";
import { Spool } from "../../../agent/push/spool/spool.ts";
import { diskFs } from "../../../agent/machine/durable-fs.ts";
import { SpoolReader } from "../../../agent/push/spool/spool-reader.ts";
import { type Event, reassemble } from "../event.ts";
import { PowerLossFs } from "../power-loss-fs.ts";
import { event, SpoolRun } from "./spool-fixture.ts";

const numbered = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, i) => `event ${`${from + i}`.padStart(60, "0")}`);
const texts = (events: readonly Event[]) => events.map(({ text }) => text);

async function appendEach(run: SpoolRun, lines: readonly string[]): Promise<void> {
  for (const line of lines) await run.spool.append([event(line)]);
}

test("events come out as one source, byte after byte, each with its tag", async () => {
  const run = await SpoolRun.open(new PowerLossFs());
  await run.spool.append([event("a", "x"), event("", "y"), event("b\r", "x")]);
  const events = await run.deliver();
  expect(events.map(({ tag }) => tag)).toEqual(["x", "y", "x"]);
  expect(reassemble(events)).toBe("a\n\nb\r\n");
  expect(run.spool.source.path).toBe("spool:pushed");
});

test("events that were pushed together are read on from between any two of them", async () => {
  const pushed = ["a", "", "long".repeat(40), "b", "c"].map((text, n) => event(text, n < 2 ? "x" : "y"));
  const [fs, sizes] = [new PowerLossFs(), { segmentBytes: 2 ** 12 }];
  const whole = await SpoolRun.open(fs, undefined, sizes);
  await whole.spool.append(pushed);
  const events = await whole.deliver();
  expect(texts(events)).toEqual(["a", "", "long".repeat(25), "b", "c"]);
  for (const [n, { position }] of events.entries()) {
    const { source, offset } = position;
    const run = await SpoolRun.open(fs, { sourceId: source.id, offset }, sizes);
    const left = await run.deliver();
    // A gap belongs to the first event after it, and before the position there is none.
    const first = { ...events[n]!, position: { ...position, gap: undefined } };
    expect([first, ...left.slice(1)]).toEqual([first, ...events.slice(n + 1)]);
    expect(texts(left)).toEqual(texts(events.slice(n)));
    expect(run.reader.lines).toBe(pushed.length);
  }
});

test("what is delivered is deleted, but for the segment that remembers the source", async () => {
  const fs = new PowerLossFs();
  const run = await SpoolRun.open(fs);
  await appendEach(run, numbered(0, 30));
  expect(run.spool.segments.length).toBeGreaterThan(5);
  await run.deliver();
  const position = await run.checkpoint();
  expect(run.spool.segments).toHaveLength(1);
  const next = await SpoolRun.open(fs, position);
  await appendEach(next, ["next"]);
  const [only, ...others] = await next.deliver();
  expect(others).toEqual([]);
  expect(only).toMatchObject({
    text: "next",
    position: { source: run.spool.source, offset: position.offset },
  });
});

test("a full spool keeps senders waiting until something is delivered", async () => {
  const run = await SpoolRun.open(new PowerLossFs(), undefined, { maxBytes: 1_000 });
  const lines = numbered(0, 40);
  const appending = appendEach(run, lines);
  const delivered: Event[] = [];
  while (delivered.length < lines.length) {
    expect(run.spool.bytes).toBeLessThanOrEqual(1_000);
    delivered.push(...(await run.deliver()));
    await run.checkpoint();
    await setImmediate();
  }
  await appending;
  expect(texts(delivered)).toEqual(lines);
});

test("who waits for room goes on once the bound is raised", async () => {
  const run = await SpoolRun.open(new PowerLossFs(), undefined, { maxBytes: 1_000 });
  const lines = numbered(0, 40);
  const appending = appendEach(run, lines);
  await setImmediate();
  run.spool.configure({
    minFreeBytes: 0,
    maxBytes: 2 ** 20,
    segmentBytes: 400,
    maxLineBytes: 100,
    overflow: "block",
    sync: "ack",
  });
  await appending;
  expect(texts(await run.deliver())).toEqual(lines);
});

test("however many wait to append, they are let in one after another", async () => {
  const fs = new PowerLossFs();
  const sizes = { maxBytes: 2 ** 28, segmentBytes: 2 ** 24, maxLineBytes: 2 ** 20 };
  const run = await SpoolRun.open(fs, undefined, sizes);
  let go = () => {};
  const held = new Promise<void>((resolve) => (go = resolve));
  fs.before = (operation) => (operation === "write" ? held : undefined);
  const large = () => [event("x".repeat(2 ** 19))];
  const first = Array.from({ length: 20 }, () => run.spool.append(large()));
  let most = 0;
  const waiting = Array.from({ length: 40 }, async () => {
    await run.spool.ready(new AbortController().signal);
    const appended = run.spool.append(large());
    most = Math.max(most, run.spool.queuedBytes);
    await appended;
  });
  go();
  await Promise.all([...first, ...waiting]);
  // Eight MiB that may wait, and one event beyond.
  expect(most).toBeLessThanOrEqual(9 * 2 ** 20);
});

test("a bound below what the last segment holds does not stop a spool for good", async () => {
  const run = await SpoolRun.open(new PowerLossFs(), undefined, { maxBytes: 8_000, segmentBytes: 4_000 });
  const lines = numbered(0, 60);
  await appendEach(run, lines.slice(0, 35));
  run.spool.configure({
    minFreeBytes: 0,
    maxBytes: 1_000,
    segmentBytes: 400,
    maxLineBytes: 100,
    overflow: "block",
    sync: "ack",
  });
  const appending = appendEach(run, lines.slice(35));
  const delivered: Event[] = [];
  while (delivered.length < lines.length) {
    delivered.push(...(await run.deliver()));
    await run.checkpoint();
    await setImmediate();
  }
  await appending;
  expect(texts(delivered)).toEqual(lines);
  expect(run.spool.bytes).toBeLessThanOrEqual(1_000);
});

test("a full spool that drops the oldest says which bytes and how many lines", async () => {
  const run = await SpoolRun.open(new PowerLossFs(), undefined, { maxBytes: 1_000, overflow: "drop-oldest" });
  const lines = numbered(0, 40);
  await appendEach(run, lines.slice(0, 3));
  const before = await run.deliver();
  await appendEach(run, lines.slice(3));
  const after = await run.deliver();
  expect(run.spool.bytes).toBeLessThanOrEqual(1_000);
  const gap = after[0]!.position.gap!;
  expect(gap).toEqual({ from: 3 * 67, reason: "overflow", lines: 37 - after.length });
  expect(texts(after)).toEqual(lines.slice(-after.length));
  expect(run.reader.dropped).toEqual({ lines: gap.lines, bytes: gap.lines * 67 });
  expect(reassemble([...before, ...after])).toHaveLength(40 * 67);
});

test("a full spool that drops the newest keeps what it has, and says what it left out", async () => {
  const fs = new PowerLossFs();
  const run = await SpoolRun.open(fs, undefined, { maxBytes: 1_000, overflow: "drop-newest" });
  const lines = numbered(0, 40);
  await appendEach(run, lines);
  const kept = await run.deliver();
  expect(texts(kept)).toEqual(lines.slice(0, kept.length));
  await run.checkpoint();
  await appendEach(run, ["after"]);
  const [after] = await run.deliver();
  expect(after!.position.gap).toEqual({
    from: kept.length * 67,
    reason: "overflow",
    lines: 40 - kept.length,
  });
  expect(reassemble([...kept, after!])).toHaveLength(40 * 67 + "after\n".length);
});

test("an event that is too long is cut, and its rest is a gap", async () => {
  const run = await SpoolRun.open(new PowerLossFs());
  await run.spool.append([event("a".repeat(250)), event("b")]);
  const events = await run.deliver();
  expect(texts(events)).toEqual(["a".repeat(100), "b"]);
  expect(events[1]!.position).toMatchObject({
    offset: 251,
    gap: { from: 100, reason: "too-long", lines: 0 },
  });
});

test("a full disk is waited for, and nothing is acknowledged before there is room", async () => {
  const fs = new PowerLossFs();
  let failures = 3;
  fs.before = (operation) => {
    if (operation === "write" && failures-- > 0) throw new Error("ENOSPC: no space left on device, write");
  };
  const run = await SpoolRun.open(fs);
  let isAcknowledged = false;
  const appended = run.spool.append([event("a")]).then(() => (isAcknowledged = true));
  while (run.spool.error === undefined) await setImmediate();
  expect(isAcknowledged).toBe(false);
  expect(run.spool.error).toContain("ENOSPC");
  await appended;
  expect(run.spool.error).toBe(undefined);
  expect(await fs.list("/spool/pushed")).toHaveLength(1);
  expect(texts(await run.deliver())).toEqual(["a"]);
});

test("a failed sync is not trusted again: the events go to another segment", async () => {
  const fs = new PowerLossFs();
  const run = await SpoolRun.open(fs);
  await appendEach(run, ["first"]);
  const synced: string[] = [];
  fs.before = (operation, path) => {
    if (operation === "datasync" && synced.push(path) === 1) throw new Error("EIO");
  };
  await appendEach(run, ["second"]);
  expect(new Set(synced).size).toBe(2);
  fs.powerLoss(() => 0.4);
  expect(texts(await (await SpoolRun.open(fs)).deliver())).toEqual(["first", "second"]);
});

test("closing gives up what waits, and the sender is told", async () => {
  const run = await SpoolRun.open(new PowerLossFs(), undefined, { maxBytes: 800 });
  const appending = appendEach(run, numbered(0, 40));
  await setImmediate();
  await run.spool[Symbol.asyncDispose]();
  await expect(appending).rejects.toMatchObject({ code: "SPOOL_CLOSED" });
  await expect(run.spool.append([event("a")])).rejects.toMatchObject({ code: "SPOOL_CLOSED" });
});

test("a bad event behind good ones leaves no promise that nobody handles", async () => {
  const unhandled: unknown[] = [];
  const note = (reason: unknown) => unhandled.push(reason);
  process.on("unhandledRejection", note);
  const sizes = { maxBytes: 800, maxLineBytes: 2 ** 18 };
  const run = await SpoolRun.open(new PowerLossFs(), undefined, sizes);
  function* events() {
    // More than one batch.
    for (let n = 0; n < 3; n++) yield event("x".repeat(2 ** 18));
    throw new Error("malformed");
  }
  await expect(run.spool.append(events())).rejects.toThrow("malformed");
  await run.spool[Symbol.asyncDispose]();
  await setImmediate();
  process.off("unhandledRejection", note);
  expect(unhandled).toEqual([]);
});

test("on a real disk, a torn tail is set aside and the rest comes out", async () => {
  const directory = await mkdtemp(join(tmpdir(), "weir-spool-"));
  try {
    const log = pino({ level: "silent" });
    const options = {
      fs: diskFs,
      directory,
      name: "pushed",
      host: "h",
      maxBytes: 2 ** 24,
      minFreeBytes: 0,
      segmentBytes: 2 ** 20,
      maxLineBytes: 1_000,
    };
    const lines = numbered(0, 5_000);
    {
      await using spool = await Spool.open({ ...options, overflow: "block", sync: "ack", log }, undefined);
      await Promise.all(lines.map((line) => spool.append([event(line)])));
      const file = await open(spool.segments[0]!.path, "a");
      await file.write("torn");
      await file.close();
    }
    await using spool = await Spool.open({ ...options, overflow: "block", sync: "ack", log }, undefined);
    await spool.append([event("last")]);
    const reader = new SpoolReader(spool, 0, diskFs, log);
    const read: string[] = [];
    for await (const { runs } of reader.drain(new AbortController().signal)) {
      for (const { bytes, run } of runs)
        read.push(...bytes.toString("latin1", run.start, run.end).split("\n"));
    }
    await reader.close();
    expect(read).toEqual([...lines, "last"]);
    expect(await readdir(join(directory, "pushed"))).toContain("000000000001.torn");
  } finally {
    await rm(directory, { recursive: true });
  }
});

test("what is released makes the age of what comes later no less exact", async () => {
  const run = await SpoolRun.open(new PowerLossFs());
  await run.spool.append([event("first")]);
  await run.deliver();
  expect(run.spool.oldestMs(0)).toBeDefined();
  await run.checkpoint();
  expect(run.spool.oldestMs(0)).toBeUndefined();
});
