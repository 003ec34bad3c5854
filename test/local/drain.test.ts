import { expect, test } from "vitest";
import type { TableBehind, TickReport } from "../../lambdas/loader/tick.ts";
import type { Cloud } from "../../local/cloud.ts";
import { drain } from "../../local/drain.ts";

const answer = (payload: object) => ({ ok: true, payload: JSON.stringify(payload) });
const none = { segments: 0, commits: 0, late: 0, unreadable: 0 };
const idle = { tick: async () => answer({ ...none, lagSeconds: 0 }) };

function cloud(sequencer: object, loader?: object): Cloud {
  return { mapping: { drained: async () => {} }, schedules: { sequencer, loader } } as unknown as Cloud;
}

/** A loader that reports these tables as behind, one list a tick, the last one for ever. */
function cloudOf(ticks: readonly (readonly TableBehind[])[]): { cloud: Cloud; count: () => number } {
  let count = 0;
  const tick = async () => {
    const behind = ticks[Math.min(count++, ticks.length - 1)]!;
    const report: TickReport = { lagSeconds: behind.length, events: [], unreadable: 0, contested: 0, behind };
    return answer(report);
  };
  return { cloud: cloud(idle, { tick }), count: () => count };
}

const behind = (table: string): TableBehind => ({ table, lagSeconds: 1 });

const { signal } = new AbortController();
const inAnHour = new Date(Date.now() + 3_600_000).toISOString();
const soon = new Date(Date.now() + 1_000).toISOString();
const refused = {
  ...behind("logs.photo"),
  failure: { error: "copy-rows: ERROR\nline 1", notBefore: inAnHour },
};

test("a drain ends once no table is behind", async () => {
  const { cloud, count } = cloudOf([[behind("logs.photo")], [behind("logs.photo")], []]);
  expect(await drain(cloud, signal)).toEqual([]);
  expect(count()).toBe(3);
});

test("a drain names a table that cannot be loaded, and waits for the others first", async () => {
  const retried = { ...behind("logs.user"), failure: { error: "deadlock", notBefore: soon } };
  const { cloud, count } = cloudOf([
    [refused, behind("logs.access")],
    [refused, behind("logs.access"), retried],
    [refused, retried],
    [refused],
  ]);
  expect(await drain(cloud, signal)).toEqual([
    "table logs.photo could not be loaded: copy-rows: ERROR; line 1",
  ]);
  expect(count()).toBe(4);
});

test("a drain names a table that is behind without a word, once its time is over", async () => {
  const { cloud } = cloudOf([[behind("logs.photo")]]);
  expect(await drain(cloud, signal, 100)).toEqual(["table logs.photo is not loaded in time"]);
});

test("a drain says what a loader dies of that never reports", async () => {
  const error = { type: "Runtime.ExitError", message: "out of memory" };
  const loader = { tick: async () => ({ ok: false, error }) };
  expect(await drain(cloud(idle, loader), signal, 100)).toEqual([
    "the loader fails: Runtime.ExitError: out of memory",
  ]);
});

test("a drain can be aborted while a table is behind", async () => {
  const { cloud } = cloudOf([[behind("logs.photo")]]);
  const abort = new AbortController();
  const draining = drain(cloud, abort.signal);
  abort.abort();
  await expect(draining).rejects.toThrow(expect.objectContaining({ name: "AbortError" }));
});

test("a drain ticks the sequencer until no commit waits, and only then the loader", async () => {
  const ticks: string[] = [];
  const lags = [70, 5, 0];
  const sequencer = {
    tick: async () => {
      ticks.push("sequencer");
      return answer({ ...none, lagSeconds: lags.shift()! });
    },
  };
  const loader = {
    tick: async () => {
      ticks.push("loader");
      return answer({ lagSeconds: 0, events: [], unreadable: 0, contested: 0 });
    },
  };
  expect(await drain(cloud(sequencer, loader), signal)).toEqual([]);
  expect(ticks).toEqual(["sequencer", "sequencer", "sequencer", "loader"]);
});

test("a drain without a warehouse ends once the log has all", async () => {
  expect(await drain(cloud(idle), signal)).toEqual([]);
});

test("a drain says why commits are not in the log, once its time is over", async () => {
  const error = { type: "SequencerError", message: "log/7 is not there" };
  const failing = { tick: async () => ({ ok: false, error }) };
  expect(await drain(cloud(failing, idle), signal, 100)).toEqual([
    "the sequencer fails: SequencerError: log/7 is not there",
  ]);
  const slow = { tick: async () => answer({ ...none, lagSeconds: 60 }) };
  expect(await drain(cloud(slow, idle), signal, 100)).toEqual(["commits are not in the log in time"]);
});
