import { expect, test } from "vitest";
import type { TableBehind, TickReport } from "../../lambdas/loader/tick.ts";
import type { Cloud } from "../../local/cloud.ts";
import { drain } from "../../local/drain.ts";

/** A loader that reports these tables as behind, one list a tick, the last one for ever. */
function cloudOf(ticks: readonly (readonly TableBehind[])[]): { cloud: Cloud; count: () => number } {
  let count = 0;
  const tick = async () => {
    const behind = ticks[Math.min(count++, ticks.length - 1)]!;
    const report: TickReport = { lagSeconds: behind.length, events: [], unreadable: 0, contested: 0, behind };
    return { ok: true, payload: JSON.stringify(report) };
  };
  const cloud = { mapping: { drained: async () => {} }, schedule: { tick } } as unknown as Cloud;
  return { cloud, count: () => count };
}

const { signal } = new AbortController();
const inAnHour = new Date(Date.now() + 3_600_000).toISOString();
const soon = new Date(Date.now() + 1_000).toISOString();
const refused = { table: "logs.photo", failure: { error: "copy-rows: ERROR\nline 1", notBefore: inAnHour } };

test("a drain ends once no table is behind", async () => {
  const { cloud, count } = cloudOf([[{ table: "logs.photo" }], [{ table: "logs.photo" }], []]);
  expect(await drain(cloud, signal)).toEqual([]);
  expect(count()).toBe(3);
});

test("a drain names a table that cannot be loaded, and waits for the others first", async () => {
  const retried = { table: "logs.user", failure: { error: "deadlock", notBefore: soon } };
  const { cloud, count } = cloudOf([
    [refused, { table: "logs.access" }],
    [refused, { table: "logs.access" }, retried],
    [refused, retried],
    [refused],
  ]);
  expect(await drain(cloud, signal)).toEqual([
    "table logs.photo could not be loaded: copy-rows: ERROR; line 1",
  ]);
  expect(count()).toBe(4);
});

test("a drain names a table that is behind without a word, once its time is over", async () => {
  const { cloud } = cloudOf([[{ table: "logs.photo" }]]);
  expect(await drain(cloud, signal, 100)).toEqual(["table logs.photo is not loaded in time"]);
});

test("a drain says what a loader dies of that never reports", async () => {
  const error = { type: "Runtime.ExitError", message: "out of memory" };
  const cloud = {
    mapping: { drained: async () => {} },
    schedule: { tick: async () => ({ ok: false, error }) },
  } as unknown as Cloud;
  expect(await drain(cloud, signal, 100)).toEqual(["the loader fails: Runtime.ExitError: out of memory"]);
});

test("a drain can be aborted while a table is behind", async () => {
  const { cloud } = cloudOf([[{ table: "logs.photo" }]]);
  const abort = new AbortController();
  const draining = drain(cloud, abort.signal);
  abort.abort();
  await expect(draining).rejects.toThrow(expect.objectContaining({ name: "AbortError" }));
});
