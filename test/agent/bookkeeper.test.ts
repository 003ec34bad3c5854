import { appendFile, copyFile, rename, rm, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { pino } from "pino";
import { expect, onTestFinished, test } from "vitest";
import { Bookkeeper } from "../../agent/progress/bookkeeper.ts";
import { CheckpointFile, makeStateDirectory } from "../../agent/progress/checkpoint.ts";
import { Heartbeats } from "../../agent/progress/heartbeats.ts";
import { Aggregator } from "../../agent/kinesis/aggregator.ts";
import type { OutgoingRecord } from "../../agent/kinesis/outgoing-record.ts";
import type { FollowedFile } from "../../agent/tail/files/followed-file.ts";
import { NO_STATE } from "../../agent/tail/files/tail-state.ts";
import { diskFs, type DurableFs } from "../../agent/machine/durable-fs.ts";
import type { PushedInput } from "../../agent/push/pushed-input.ts";
import { heartbeatSchema } from "../../wire/heartbeat.ts";
import { eventsOf } from "./event.ts";
import { ROTATED_IDLE_MS, TailHarness } from "./tail-harness.ts";

const HOUR_MS = 3_600_000;

test("a deleted file is forgotten once another is at its path", async () => {
  const { tail, bookkeeper } = await make();
  for (const content of ["one\n", "two\n", "three\n"]) {
    await rm(tail.path("a.log"), { force: true });
    await writeFile(tail.path("a.log"), content);
    await endAll(tail);
    bookkeeper.beat();
    expect(tail.files.map(({ size }) => size)).toEqual([content.length]);
  }
});

test("a deleted file that nothing has replaced is forgotten after a day, restarts or not", async () => {
  const { tail, bookkeeper } = await make();
  await writeFile(tail.path("a.log"), "one\n");
  await tail.poll();
  await rm(tail.path("a.log"));
  await endAll(tail);
  bookkeeper.beat();
  expect(tail.files.map(({ phase }) => phase)).toEqual(["ended"]);
  await expectKeptForADay(tail, bookkeeper, []);
});

test("a file that is moved away is forgotten after a day, restarts or not, and known until then", async () => {
  const { tail, bookkeeper } = await make();
  await writeFile(tail.path("a.log"), "one\n");
  await tail.poll();
  await rename(tail.path("a.log"), tail.path("elsewhere"));
  await writeFile(tail.path("a.log"), "other\n");
  await endAll(tail);
  bookkeeper.beat();
  expect(tail.files.map(({ phase }) => phase)).toEqual(["ended", "active"]);
  await rename(tail.path("elsewhere"), tail.path("b.log"));
  await tail.poll();
  expect(tail.files.map(({ location }) => location)).toEqual([tail.path("b.log"), tail.path("a.log")]);
  await rename(tail.path("b.log"), tail.path("elsewhere"));
  await expectKeptForADay(tail, bookkeeper, ["active"]);
  expect(tail.contents()).toEqual(["one\n", "other\n"]);
});

test("a file that was lost while no agent ran is forgotten after a day", async () => {
  const { tail, bookkeeper } = await make();
  await writeFile(tail.path("a.log"), "one\n");
  await tail.poll();
  await tail.restart(() => rm(tail.path("a.log")));
  await tail.poll();
  expect(tail.files.map(({ phase }) => phase)).toEqual(["lost"]);
  await expectKeptForADay(tail, bookkeeper, []);
});

test("a clock that was ahead when a file was gone does not keep it", async () => {
  const { tail, bookkeeper } = await make();
  await writeFile(tail.path("a.log"), "one\n");
  await tail.poll();
  await rm(tail.path("a.log"));
  await endAll(tail);
  await tail.restart(
    async () => {},
    (state) => {
      const files = state.files.map(({ record, resume }) => {
        return { record: { ...record, goneAtMs: Date.parse("2106-02-07") }, resume };
      });
      return { ...state, files };
    },
  );
  await expectKeptForADay(tail, bookkeeper, []);
});

test("a copy is known, and read on when it grows, for an hour after its original was deleted", async () => {
  const { tail, bookkeeper } = await make("a.log*");
  await writeFile(tail.path("a.log"), "one\n");
  await tail.poll();
  await copyFile(tail.path("a.log"), tail.path("a.log.1"));
  await tail.poll();
  await rm(tail.path("a.log"));
  await writeFile(tail.path("a.log"), "new\n");
  await endAll(tail);
  bookkeeper.beat();
  await appendFile(tail.path("a.log.1"), "-- end --\n");
  await tail.poll();
  expect(tail.contents()).toEqual(["one\n-- end --\n", "new\n"]);
});

test("a copy is known, and read on when it grows, for an hour after its original was truncated", async () => {
  const { tail, bookkeeper } = await make("a.log*");
  await writeFile(tail.path("a.log"), "one\n");
  await tail.poll();
  await copyFile(tail.path("a.log"), tail.path("a.log.1"));
  await tail.poll();
  await truncate(tail.path("a.log"));
  await appendFile(tail.path("a.log"), "new\n");
  await tail.poll();
  tail.acknowledge();
  bookkeeper.beat();
  await appendFile(tail.path("a.log.1"), "-- end --\n");
  await tail.poll();
  tail.acknowledge();
  expect(tail.contents()).toEqual(["one\n-- end --\n", "new\n"]);
  expect(tail.files).toHaveLength(2);
});

test("what was truncated, and is in a copy, is forgotten after an hour", async () => {
  const { tail, bookkeeper } = await make("a.log*");
  for (const number of [1, 2, 3]) {
    await writeFile(tail.path("a.log"), `${number}\n`);
    await tail.poll();
    await copyFile(tail.path("a.log"), tail.path(`a.log.${number}`));
    await tail.poll();
    await truncate(tail.path("a.log"));
    await tail.poll();
    tail.acknowledge();
    tail.pass(HOUR_MS);
    bookkeeper.beat();
    expect(tail.files.filter(({ isCutOff }) => isCutOff)).toEqual([]);
  }
  expect(tail.contents()).toEqual(["1\n", "2\n", "3\n"]);
});

test("a checkpoint that takes long to write is written less often", async () => {
  await using tail = await TailHarness.make();
  let saves = 0;
  const slow: DurableFs = {
    ...diskFs,
    async create(path) {
      saves++;
      await sleep(50);
      return diskFs.create(path);
    },
  };
  const bookkeeper = new Bookkeeper({
    tail: { files: () => [], forget: () => {}, state: NO_STATE },
    pushed: {
      get position() {
        return { sourceId: "id", offset: performance.now() };
      },
      release: async () => {},
      reader: { read: 0, delivery: { resume: { offset: 0 } } },
    } as unknown as PushedInput,
    checkpoint: new CheckpointFile(tail.directory, slow),
    heartbeats: undefined,
    heartbeatMs: 1,
    stamp: () => undefined,
    log: pino({ enabled: false }),
  });
  await bookkeeper.run(AbortSignal.timeout(500));
  // One more is of the reserve.
  expect(saves).toBeLessThanOrEqual(2);
});

test("lines that were read before nothing more happened are written down once they are acknowledged", async () => {
  await using tail = await TailHarness.make();
  const state = join(tail.directory, "state");
  await makeStateDirectory(state);
  const bookkeeper = new Bookkeeper({
    tail: {
      files: () => tail.files,
      forget: () => {},
      get state() {
        return tail.state;
      },
    },
    pushed: undefined,
    checkpoint: new CheckpointFile(state),
    heartbeats: undefined,
    heartbeatMs: 1,
    stamp: () => tail.stamp,
    log: pino({ enabled: false }),
  });
  const offsets = async () =>
    (await new CheckpointFile(state).load()).files.map(({ resume }) => resume.offset);
  const over = new AbortController();
  const running = bookkeeper.run(over.signal);
  for (const end of [4, 8]) {
    await appendFile(tail.path("a.log"), "one\n");
    await tail.poll();
    expect(tail.stamp).toBeDefined();
    await sleep(20);
    // They are in an aggregate that is not closed, then on their way.
    expect(await offsets()).not.toEqual([end]);
    tail.send();
    await sleep(20);
    tail.acknowledge();
    await expect.poll(offsets).toEqual([end]);
  }
  over.abort();
  await running;
});

test("heartbeats wait for the one before them, the last one for nothing, and no end goes untold", async () => {
  const sealed: OutgoingRecord[] = [];
  const aggregator = new Aggregator({
    maxBytes: 50_000,
    lingerMs: 1,
    compression: "none",
    ordering: "none",
    shards: { choose: () => ({ explicitHashKey: "0" }) },
    seal: (record) => void sealed.push(record),
  });
  const agent = { version: "0", node: "0", pid: 0, startedAt: new Date(0).toISOString() };
  const { tail, bookkeeper } = await make("*.log", new Heartbeats("host", agent, aggregator));
  const told = () =>
    eventsOf(sealed.at(-1)!.data).flatMap(({ text }) => heartbeatSchema.parse(JSON.parse(text)).sources);
  const over = new AbortController();
  const running = bookkeeper.run(over.signal);
  await expect.poll(() => sealed.length).toBe(1);
  await writeFile(tail.path("a.log"), "one\n");
  await tail.poll();
  await rm(tail.path("a.log"));
  await endAll(tail);
  await sleep(50);
  expect(sealed).toHaveLength(1);
  sealed[0]!.acknowledge();
  await expect.poll(() => sealed.length).toBe(2);
  expect(told()).toMatchObject([{ state: "ended", finalSize: 4 }]);
  over.abort();
  await running;
  bookkeeper.beat();
  aggregator.flush();
  expect(sealed).toHaveLength(3);
});

async function make(
  glob = "*.log",
  heartbeats?: Heartbeats,
): Promise<{ readonly tail: TailHarness; readonly bookkeeper: Bookkeeper }> {
  const tail = await TailHarness.make({ glob });
  onTestFinished(() => tail[Symbol.asyncDispose]());
  const bookkeeper = new Bookkeeper({
    tail: { files: () => tail.files, forget: (file) => tail.forget(file), state: tail.state },
    pushed: undefined,
    checkpoint: new CheckpointFile(tail.directory),
    heartbeats,
    heartbeatMs: 1,
    stamp: () => tail.stamp,
    log: pino({ enabled: false }),
  });
  return { tail, bookkeeper };
}

/** Reads every file to its end, and waits for those without a path to be over. */
async function endAll(tail: TailHarness): Promise<void> {
  for (const ms of [0, ROTATED_IDLE_MS, 0]) {
    tail.pass(ms);
    await tail.poll();
    tail.send();
    tail.acknowledge();
  }
}

/** @param left phases of what is kept for longer */
async function expectKeptForADay(
  tail: TailHarness,
  bookkeeper: Bookkeeper,
  left: readonly FollowedFile["phase"][],
): Promise<void> {
  const kept = tail.files.length;
  // One that has ended is not looked at again at once.
  tail.pass(ROTATED_IDLE_MS);
  await tail.poll();
  tail.pass(23 * HOUR_MS);
  await tail.restart();
  await tail.poll();
  bookkeeper.beat();
  expect(tail.files).toHaveLength(kept);
  tail.pass(HOUR_MS);
  await tail.poll();
  bookkeeper.beat();
  expect(tail.files.map(({ phase }) => phase)).toEqual(left);
}
