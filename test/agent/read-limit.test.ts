import { rename, writeFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import fc from "fast-check";
import { expect, test } from "vitest";
import { HEAD, LineFramer } from "../../agent/framing/line-framer.ts";
import { ReadLimit } from "../../agent/tail/files/read-limit.ts";
import { whereText } from "../../agent/command/position-text.ts";
import { freePort } from "../../local/part.ts";
import { AgentFixture, lines } from "./agent-fixture.ts";
import { bySource, reassemble } from "./event.ts";
import { RunningAgent } from "./running-agent.ts";
import { TailHarness } from "./tail-harness.ts";

const MAX_LINE_BYTES = 300;
const POLL_MS = 1_000;

test("a file moves on at its pace, ahead of it by a second's worth and one read, and reaches its end", () => {
  const length = fc.integer({ min: 0, max: 2 * MAX_LINE_BYTES });
  const rate = fc.integer({ min: 50, max: 5_000 });
  fc.assert(
    fc.property(
      fc.array(length, { minLength: 1, maxLength: 40 }),
      rate,
      fc.integer({ min: 100, max: 700 }),
      (lengths, perSecond, stepMs) => {
        const file = Buffer.from(lengths.map((bytes) => `${"x".repeat(bytes)}\n`).join(""));
        const limit = new ReadLimit(perSecond, 0);
        const framer = new LineFramer({ maxLineBytes: MAX_LINE_BYTES }, HEAD);
        // A line that did not fit is tried with twice the bytes.
        const ahead = perSecond + 4 * MAX_LINE_BYTES;
        let nowMs = 0;
        while (framer.offset < file.length) {
          const from = framer.offset;
          const room = limit.room(nowMs);
          if (room === 0) nowMs += stepMs;
          const window = file.subarray(from, from + room);
          framer.frame(window, false, () => {});
          if (room > 0) limit.took(window.length, framer.offset - from);
          expect(framer.offset).toBeLessThanOrEqual((perSecond * nowMs) / 1_000 + ahead);
        }
        expect(nowMs).toBeLessThanOrEqual((file.length / perSecond) * 1_000 + 100 + stepMs);
      },
    ),
  );
});

test("what was not read while there was nothing to read is no more than a second's worth", () => {
  const limit = new ReadLimit(100, 0);
  limit.took(100, limit.room(0));
  expect(limit.room(1)).toBe(0);
  expect(limit.room(3_600_000)).toBe(100);
});

test("a file waits from the moment in which what might be read is read, until there is room", () => {
  const limit = new ReadLimit(100, 0);
  expect(limit.isWaiting).toBe(false);
  limit.took(100, limit.room(0));
  expect(limit.isWaiting).toBe(true);
  expect([limit.room(50), limit.isWaiting]).toEqual([0, true]);
  expect([limit.room(200), limit.isWaiting]).toEqual([20, false]);
});

const reads = (tail: TailHarness): number[] => tail.files.map(({ read }) => read);

test("each file of an entry has its own pace, and waits in the file", async () => {
  await using tail = await TailHarness.make({ settings: { bytes_per_second: 100 } });
  const text = "123456789\n".repeat(35);
  await writeFile(tail.path("a.log"), text);
  await writeFile(tail.path("b.log"), text);
  await tail.poll();
  expect(reads(tail)).toEqual([100, 100]);
  expect(tail.files.map(({ limitedTo }) => limitedTo)).toEqual([100, 100]);
  await tail.poll();
  expect(reads(tail)).toEqual([200, 200]);
  await tail.poll();
  await tail.poll();
  expect(tail.contents()).toEqual([text, text]);
  expect(tail.files.map(({ limitedTo }) => limitedTo)).toEqual([undefined, undefined]);
});

test("a file that waits for its limit does not keep others from being opened", async () => {
  await using tail = await TailHarness.make({ settings: { bytes_per_second: 100 }, maxOpenFiles: 1 });
  const text = "123456789\n".repeat(30);
  for (const name of ["a.log", "b.log", "c.log"]) await writeFile(tail.path(name), text);
  for (let round = 0; round < 6; round++) await tail.poll();
  expect(tail.contents()).toEqual([text, text, text]);
});

test("a line that is longer than a second's worth is read whole, and what comes after it waits for it", async () => {
  await using tail = await TailHarness.make({ settings: { bytes_per_second: 10 } });
  await writeFile(tail.path("a.log"), `${"x".repeat(199)}\n${"123456789\n".repeat(50)}`);
  await tail.poll();
  const [read] = reads(tail);
  // Tried with twice the bytes each time.
  expect(read).toBeGreaterThanOrEqual(200);
  expect(read).toBeLessThan(400);
  for (let seconds = 1; seconds <= (read! - 10) / 10; seconds++) await tail.poll();
  expect(reads(tail)).toEqual([read]);
  await tail.poll();
  await tail.poll();
  expect(reads(tail)[0]).toBeGreaterThan(read!);
});

test("renamed and read on by another agent, a file with a limit gives every line once", async () => {
  await using tail = await TailHarness.make({ settings: { bytes_per_second: 100 } });
  const text = lines(100);
  await writeFile(tail.path("a.log"), text);
  await tail.poll();
  tail.acknowledge();
  await rename(tail.path("a.log"), tail.path("a.log.1"));
  await writeFile(tail.path("a.log"), "new\n");
  await tail.poll();
  tail.acknowledge();
  await tail.restart();
  for (let round = 0; round < text.length / 100; round++) await tail.poll();
  expect(tail.contents().sort()).toEqual([text, "new\n"].sort());
  expect(tail.events).toHaveLength(101);
});

test("a drain keeps to the limit, and goes on to the end", async () => {
  await using tail = await TailHarness.make({ settings: { bytes_per_second: 100 } });
  const text = `${"123456789\n".repeat(24)}begun`;
  await writeFile(tail.path("a.log"), text);
  let isOver = false;
  const draining = tail.drain().finally(() => (isOver = true));
  for (const read of [100, 200]) {
    while (reads(tail)[0] !== read) await sleep(1);
    expect([isOver, tail.files[0]!.limitedTo]).toEqual([false, 100]);
    tail.pass(POLL_MS);
  }
  await draining;
  expect(tail.contents()).toEqual([text]);
});

test("an agent reads one file slowly and another at once, tells why, and leaves nothing out", async () => {
  await using agent = await AgentFixture.make();
  const slow = { tag: "slow", path: agent.path("slow.log") };
  const fast = { tag: "fast", path: agent.path("fast.log") };
  await writeFile(slow.path, lines(2_000));
  await writeFile(fast.path, lines(5_000));
  const port = await freePort();
  const overrides = { files: [{ ...slow, bytes_per_second: 100 }, fast], monitor: { port } };
  const size = lines(2_000).length;
  const sent = (tag: string) => agent.events.filter((event) => event.tag === tag);
  {
    await using running = new RunningAgent(agent, overrides);
    await running.until(() => sent("fast").length === 5_000);
    const ask = async (path: string) => (await fetch(`http://127.0.0.1:${port}${path}`)).text();
    let delivered = 0;
    await running.until(async () => {
      const { files } = JSON.parse(await ask("/"));
      delivered = files[slow.path].delivered;
      return delivered > 0 && files[slow.path].limited === 100 && files[fast.path].limited === null;
    });
    expect(delivered).toBeLessThan(size / 2);
    const where = async () => whereText(agent.config(overrides), slow.path);
    await running.until(async () => (await where()).includes("waiting: limited to 100 bytes/s"));
    const row = async () => {
      const rows = JSON.parse(await ask("/status.json")).files.rows as { path: string }[];
      return rows.find(({ path }) => path === slow.path);
    };
    // In the moment in which it is read it waits for nothing.
    await expect.poll(row).toMatchObject({ limitedTo: 100, size });
    const lag = /weir_agent_file_lag_bytes\{path="[^"]*slow.log"[^}]*\} (\d+)/.exec(await ask("/metrics"));
    expect(Number(lag?.[1])).toBeGreaterThan(size / 2);
    await running.stop();
  }
  expect(sent("slow").length).toBeLessThan(1_000);
  await agent.drain({ files: [slow, fast] });
  expect(Array.from(bySource(agent.events).values(), reassemble).sort()).toEqual(
    [lines(2_000), lines(5_000)].sort(),
  );
  expect(agent.events).toHaveLength(7_000);
});
