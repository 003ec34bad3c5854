import fc from "fast-check";
import { expect, test } from "vitest";
import { crc32c } from "../../../agent/push/spool/crc32c.ts";
import { HEAD_BYTES } from "../../../agent/push/spool/section-head.ts";
import { type Event, reassemble } from "../event.ts";
import { PowerLossFs } from "../power-loss-fs.ts";
import { event, SpoolRun } from "./spool-fixture.ts";

const LINE_BYTES = 67;
const numbered = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, i) => `event ${`${from + i}`.padStart(60, "0")}`);
const texts = (events: readonly Event[]) => events.map(({ text }) => text);
const gaps = (events: readonly Event[]) => events.flatMap(({ position }) => position.gap ?? []);

async function appendEach(run: SpoolRun, lines: readonly string[]): Promise<void> {
  for (const line of lines) await run.spool.append([event(line)]);
}

async function contentOf(fs: PowerLossFs, path: string): Promise<Buffer> {
  const bytes = Buffer.alloc(2 ** 16);
  return bytes.subarray(0, await (await fs.open(path)).read(bytes, 0));
}

/** Spoils the bytes of the frame that holds a text. */
async function spoil(fs: PowerLossFs, run: SpoolRun, text: string): Promise<void> {
  for (const { path } of run.spool.segments) {
    const at = (await contentOf(fs, path)).indexOf(text);
    if (at !== -1) fs.overwrite(path, at, Buffer.alloc(text.length));
  }
}

/** One segment of so many events, each written by itself, and what a checkpoint says of it. */
async function oneSegment(lines: readonly string[], deliver = 0) {
  const fs = new PowerLossFs();
  const run = await SpoolRun.open(fs, undefined, { segmentBytes: 2 ** 14 });
  await appendEach(run, lines);
  const events = deliver > 0 ? await run.deliver(deliver) : [];
  expect(run.spool.segments).toHaveLength(1);
  return { fs, run, events, position: await run.checkpoint() };
}

test.each(["while the agent runs", "before it starts again"])(
  "what the disk loses of a segment %s is a gap that counts its lines, and the rest of it comes out",
  async (when) => {
    const lines = numbered(0, 12);
    const { fs, run, position } = await oneSegment(lines);
    await spoil(fs, run, lines[4]!);
    await spoil(fs, run, lines[5]!);
    await spoil(fs, run, lines[8]!);
    const reading = when === "while the agent runs" ? run : await SpoolRun.open(fs, position);
    const events = await reading.deliver();
    expect(texts(events)).toEqual(lines.filter((_, n) => ![4, 5, 8].includes(n)));
    expect(gaps(events)).toEqual([
      { from: 4 * LINE_BYTES, reason: "unreadable", lines: 2 },
      { from: 8 * LINE_BYTES, reason: "unreadable", lines: 1 },
    ]);
    reassemble(events);
    expect(reading.reader.lost).toEqual({ bytes: 3 * LINE_BYTES, lines: 3 });
    expect(reading.reader.lines).toBe(reading.spool.lines);
  },
);

test("events written together that the disk has lost a part of are lost from there on, and no others", async () => {
  const fs = new PowerLossFs();
  const run = await SpoolRun.open(fs, undefined, { segmentBytes: 2 ** 14 });
  const lines = numbered(0, 9);
  for (let n = 0; n < 9; n += 3) {
    // Each has a frame of its own by its tag.
    await run.spool.append(lines.slice(n, n + 3).map((line, i) => event(line, `t${i}`)));
  }
  await spoil(fs, run, lines[4]!);
  const events = await run.deliver();
  expect(texts(events)).toEqual([...lines.slice(0, 4), ...lines.slice(6)]);
  expect(gaps(events)).toEqual([{ from: 4 * LINE_BYTES, reason: "unreadable", lines: 2 }]);
});

test("what was synced, and is lost from the end of the spool at a restart, is a gap after it", async () => {
  const lines = numbered(0, 6);
  const { fs, run, events, position } = await oneSegment(lines, 2);
  for (const line of lines.slice(4)) await spoil(fs, run, line);
  // However often it starts before the gap is stated.
  let next = await SpoolRun.open(fs, position);
  expect(next.spool.end).toBe(6 * LINE_BYTES);
  next = await SpoolRun.open(fs, await next.checkpoint());
  await appendEach(next, ["after"]);
  events.push(...(await next.deliver(2)));
  expect(texts(events)).toEqual(lines.slice(0, 4));
  next = await SpoolRun.open(fs, await next.checkpoint());
  events.push(...(await next.deliver()));
  expect(texts(events)).toEqual([...lines.slice(0, 4), "after"]);
  // Of lines it counts those before the last head that is left.
  expect(gaps(events)).toEqual([{ from: 4 * LINE_BYTES, reason: "unreadable", lines: 1 }]);
  expect(reassemble(events)).toHaveLength(6 * LINE_BYTES + "after\n".length);
});

test("a last segment that is gone as a whole is a gap", async () => {
  const fs = new PowerLossFs();
  const run = await SpoolRun.open(fs);
  const lines = numbered(0, 9);
  await appendEach(run, lines);
  const last = run.spool.segments.at(-1)!;
  const { position } = run;
  fs.overwrite(last.path, 20, Buffer.of(0xff));
  const next = await SpoolRun.open(fs, position);
  await appendEach(next, ["after"]);
  const events = await next.deliver();
  expect(texts(events)).toEqual([...lines.slice(0, last.firstLine), "after"]);
  expect(gaps(events)).toMatchObject([{ from: last.offset, reason: "unreadable" }]);
  reassemble(events);
});

test("a first segment that is gone was lost by the disk, unless the spool drops the oldest", async () => {
  for (const [overflow, reason] of [
    ["block", "unreadable"],
    ["drop-oldest", "overflow"],
  ] as const) {
    const fs = new PowerLossFs();
    const run = await SpoolRun.open(fs);
    await appendEach(run, numbered(0, 9));
    const [first, second] = run.spool.segments;
    await fs.remove(first!.path);
    const events = await (await SpoolRun.open(fs, run.position, { overflow })).deliver();
    expect(events[0]!.position).toMatchObject({ offset: second!.offset, gap: { from: 0, reason } });
  }
});

test("a segment that somebody takes away while the agent runs is a gap that counts its lines", async () => {
  const fs = new PowerLossFs();
  const run = await SpoolRun.open(fs);
  const lines = numbered(0, 9);
  await appendEach(run, lines);
  const { path, offset, end, firstLine, lines: count } = run.spool.segments[1]!;
  await fs.remove(path);
  const events = await run.deliver();
  expect(texts(events)).toEqual(lines.toSpliced(firstLine, count));
  expect(gaps(events)).toEqual([{ from: offset, reason: "unreadable", lines: count }]);
  expect(run.reader.lost).toEqual({ bytes: end - offset, lines: count });
  reassemble(events);
});

/** What is read while what keeps it from being read lasts. */
async function readFor(ms: number, { reader }: SpoolRun): Promise<number> {
  for await (const _ of reader.drain(AbortSignal.timeout(ms)));
  return reader.read;
}

test("a spool of which no segment is there is waited for: its disk may come back", async () => {
  const fs = new PowerLossFs();
  const run = await SpoolRun.open(fs);
  const lines = numbered(0, 9);
  await appendEach(run, lines);
  const paths = run.spool.segments.map(({ path }) => path);
  for (const path of paths) await fs.rename(path, `/away${path}`);
  expect(await readFor(50, run)).toBe(0);
  expect(run.reader.error).toContain("ENOENT");
  for (const path of paths) await fs.rename(`/away${path}`, path);
  const events = await run.deliver();
  expect(texts(events)).toEqual(lines);
  expect(gaps(events)).toEqual([]);
});

test("a segment that is just being dropped is not lost", async () => {
  const fs = new PowerLossFs();
  const run = await SpoolRun.open(fs, undefined, { maxBytes: 1_000, overflow: "drop-oldest" });
  const [removing, removed] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  fs.before = async (operation, path) => {
    if (operation !== "remove") return;
    fs.before = () => {};
    await fs.rename(path, "/removed");
    removing.resolve();
    await removed.promise;
  };
  const appending = appendEach(run, numbered(0, 12));
  await removing.promise;
  expect(await readFor(50, run)).toBe(0);
  removed.resolve();
  await appending;
  expect(new Set(gaps(await run.deliver()).map(({ reason }) => reason))).toEqual(new Set(["overflow"]));
  expect(run.reader.lost.bytes).toBe(0);
});

test("a torn tail of which nothing was synced is no gap", async () => {
  const lines = numbered(0, 4);
  const { fs, run, position } = await oneSegment(lines);
  let isCut = false;
  fs.before = async (operation) => {
    if (operation !== "datasync") return;
    isCut = true;
    await new Promise(() => {});
  };
  void run.spool.append(numbered(4, 8).map((line, n) => event(line, `t${n}`)));
  await expect.poll(() => isCut).toBe(true);
  fs.before = () => {};
  // Of what was written only the beginning is there.
  fs.powerLoss(() => 0.6);
  const next = await SpoolRun.open(fs, position);
  expect(next.spool.quarantined).toBe(1);
  await appendEach(next, ["after"]);
  const events = await next.deliver();
  expect(gaps(events)).toEqual([]);
  expect(texts(events).slice(0, 4)).toEqual(lines);
  expect(texts(events).at(-1)).toBe("after");
  reassemble(events);
});

const damage = fc.record({
  segment: fc.nat(),
  at: fc.nat(420),
  bytes: fc.uint8Array({ minLength: 1, maxLength: 200 }),
});

test("wherever the disk spoils a spool, every byte that was acknowledged comes out or is in a gap", async () => {
  const outcome = fc.asyncProperty(
    fc.array(fc.nat(5), { minLength: 12, maxLength: 40 }),
    fc.nat(100),
    fc.array(damage, { minLength: 1, maxLength: 4 }),
    fc.boolean(),
    async (groups, percent, damages, restarts) => {
      const fs = new PowerLossFs();
      let run = await SpoolRun.open(fs);
      let whole = "";
      for (const [n, more] of groups.entries()) {
        const group = Array.from({ length: more + 1 }, (_, i) => `${n} ${i} `.padEnd(10 + n, "x"));
        await run.spool.append(group.map((line, i) => event(line, `t${i % 2}`)));
        whole += group.map((line) => `${line}\n`).join("");
      }
      // One at least is not delivered, or it would be another source that goes on.
      const count = whole.split("\n").length - 1;
      const events = await run.deliver(Math.floor(((count - 1) * percent) / 100));
      const position = await run.checkpoint();
      const { segments } = run.spool;
      // The first keeps its head: without any there is nothing to go on with.
      for (const { segment, at, bytes } of damages) {
        const { path } = segments[segment % segments.length]!;
        const length = (await contentOf(fs, path)).length;
        const from = path === segments[0]!.path ? Math.max(at, 40) : at;
        if (from < length) fs.overwrite(path, from, Buffer.from(bytes).subarray(0, length - from));
      }
      if (restarts) run = await SpoolRun.open(fs, position);
      await run.spool.append([event("after")]);
      const known = new Set(texts(events));
      events.push(...(await run.deliver()).filter(({ text }) => !known.has(text)));
      const text = reassemble(events);
      whole += "after\n";
      expect(text).toHaveLength(whole.length);
      expect(Array.from(text).every((character, n) => character === "?" || character === whole[n])).toBe(
        true,
      );
      expect(new Set(gaps(events).map(({ reason }) => reason)).has("overflow")).toBe(false);
    },
  );
  await fc.assert(outcome, { numRuns: 200 });
});

test("a segment of another version is refused rather than taken for a torn one", async () => {
  const fs = new PowerLossFs();
  const run = await SpoolRun.open(fs);
  await appendEach(run, ["a"]);
  const { path } = run.spool.segments[0]!;
  const head = (await contentOf(fs, path)).subarray(0, HEAD_BYTES);
  head.write("WEIRSPL1");
  head.writeUInt32LE(crc32c(head, 0, HEAD_BYTES - 4), HEAD_BYTES - 4);
  fs.overwrite(path, 0, head);
  await expect(SpoolRun.open(fs)).rejects.toMatchObject({
    code: "SPOOL",
    message: expect.stringContaining("a segment of version 1") as string,
  });
  expect(await fs.list("/spool/pushed")).toHaveLength(1);
});

test("a segment whose version the disk has spoilt is a damaged one, and no other version's", async () => {
  const fs = new PowerLossFs();
  const run = await SpoolRun.open(fs);
  await appendEach(run, ["a"]);
  fs.overwrite(run.spool.segments[0]!.path, "WEIRSPL".length, Buffer.from("0"));
  const next = await SpoolRun.open(fs);
  expect(next.spool.quarantined).toBe(1);
});

test("segments whose heads the disk has spoilt are counted and kept whole, the latest four of them", async () => {
  const fs = new PowerLossFs();
  const run = await SpoolRun.open(fs);
  const lines = numbered(0, 60);
  await appendEach(run, lines);
  const spoilt = run.spool.segments.slice(1, 7);
  const wholes = await Promise.all(spoilt.map(({ path }) => contentOf(fs, path)));
  for (const { path } of spoilt) fs.overwrite(path, 20, Buffer.of(0xff));
  const next = await SpoolRun.open(fs);
  expect(next.spool.quarantined).toBe(6);
  const left = [...run.spool.segments.slice(0, 1), ...run.spool.segments.slice(7)];
  const due = left.flatMap(({ firstLine, lines: count }) => lines.slice(firstLine, firstLine + count));
  const events = await next.deliver();
  expect(texts(events)).toEqual(due);
  expect(events.flatMap(({ position }) => position.gap ?? [])).toMatchObject([{ reason: "unreadable" }]);
  const kept = (await fs.list("/spool/pushed")).filter((name) => name.endsWith(".corrupt")).sort();
  expect(kept).toHaveLength(4);
  for (const [n, name] of kept.entries()) {
    const content = await contentOf(fs, `/spool/pushed/${name}`);
    const whole = wholes[n + 2]!;
    expect(content.subarray(21)).toEqual(whole.subarray(21));
  }
  await appendEach(next, ["after"]);
  expect(texts(await next.deliver())).toEqual(["after"]);
});

test("a spool that has lost what was delivered of it goes on as another source", async () => {
  const fs = new PowerLossFs();
  const run = await SpoolRun.open(fs);
  await appendEach(run, ["a"]);
  const next = await SpoolRun.open(fs, { sourceId: run.spool.source.id, offset: 500 });
  expect(next.spool.source.id).not.toBe(run.spool.source.id);
  await appendEach(next, ["b"]);
  expect(texts(await next.deliver())).toEqual(["b"]);
});
