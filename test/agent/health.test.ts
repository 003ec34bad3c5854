import { expect, test } from "vitest";
import { health } from "../../agent/monitor/health.ts";
import { Pace } from "../../agent/monitor/pace.ts";
import type { Vitals } from "../../agent/monitor/vitals.ts";
import { PowerLossFs } from "./power-loss-fs.ts";
import { SpoolRun } from "./spool/spool-fixture.ts";
import * as fixture from "./vitals.ts";

const NOW_MS = 1_000_000;
/** Of which nothing waits. */
const vitals = (): Vitals => ({ ...fixture.vitals(0), pace: new Pace(() => NOW_MS), stalledMs: 60_000 });
const answers = (shown: Vitals) =>
  (["live", "ready", "progressing"] as const).map((question) => health(question, shown, NOW_MS).ok);

test("an agent with shards and nothing to do is live, ready and progressing", () => {
  expect(answers(vitals())).toEqual([true, true, true]);
  expect(answers({ ...vitals(), openShards: 0 })).toEqual([true, false, false]);
});

test("an agent whose spool cannot be written is not progressing, and says why until it can", async () => {
  const fs = new PowerLossFs();
  const run = await SpoolRun.open(fs);
  const { spool, reader } = run;
  const pushed = {
    spool,
    reader,
    limits: { max_bytes: 1, overflow: "block" as const },
    forward: undefined,
    forwardAddress: undefined,
    lines: new Map(),
  };
  const shown = { ...vitals(), pushed };
  fs.before = (operation) => {
    if (operation === "write") throw new Error("ENOSPC: no space left on device, write");
  };
  const appended = spool.append([{ tag: "a", data: Buffer.from("line") }]);
  await expect.poll(() => spool.error).toBeDefined();
  expect(answers(shown)).toEqual([true, true, false]);
  expect(health("progressing", shown, NOW_MS).problems).toEqual([
    "pushed events cannot be stored: ENOSPC: no space left on device, write",
  ]);
  fs.before = () => {};
  await appended;
  expect(answers(shown)).toEqual([true, true, true]);
});

test("a checkpoint that failed once is no matter, one that is old is", () => {
  const failing = (ageMs: number) => ({
    ...vitals(),
    checkpoint: { savedAtMs: NOW_MS - ageMs, failures: 1 },
  });
  expect(answers(failing(2_000))).toEqual([true, true, true]);
  expect(answers(failing(90_000))).toEqual([true, true, false]);
  expect(health("progressing", failing(90_000), NOW_MS).problems).toEqual([
    "no checkpoint could be written for 90 s",
  ]);
});
