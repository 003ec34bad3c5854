import { writeFile } from "node:fs/promises";
import { expect, onTestFinished, test, vi } from "vitest";
import { reportFile } from "../../agent/progress/heartbeats.ts";
import { steadyNow } from "../../agent/steady-clock.ts";
import { PowerLossFs } from "./power-loss-fs.ts";
import { SpoolRun } from "./spool/spool-fixture.ts";
import { TailHarness } from "./tail-harness.ts";

const HOUR_MS = 3_600_000;
/** Far more than a busy machine takes for a test, and far less than the clock is set by. */
const NEAR_MS = 60_000;

test.each([8, -8])("after the clock was set by %i hours, the end of a file is told by it", async (hours) => {
  await using tail = await TailHarness.make();
  await writeFile(tail.path("a.log"), "one\n");
  await tail.poll();
  const [file] = tail.files;
  file!.endReachedAtMs = steadyNow() - 5_000;
  vi.setSystemTime(Date.now() + hours * HOUR_MS);
  onTestFinished(() => void vi.useRealTimers());
  const { endReachedAt } = reportFile(file!);
  expect(Math.abs(Date.now() - 5_000 - Date.parse(endReachedAt!))).toBeLessThan(NEAR_MS);
});

test.each([8, -8])(
  "after the clock was set by %i hours, the end of the spool is told by it",
  async (hours) => {
    vi.setSystemTime(Date.now() + hours * HOUR_MS);
    onTestFinished(() => void vi.useRealTimers());
    const { reader } = await SpoolRun.open(new PowerLossFs());
    const reading = reader.blocks(AbortSignal.timeout(50));
    expect((await reading.next()).done).toBe(true);
    const { endReachedAt } = reportFile(reader);
    expect(Math.abs(Date.now() - Date.parse(endReachedAt!))).toBeLessThan(NEAR_MS);
    expect(Math.abs(steadyNow() - reader.changedAtMs)).toBeLessThan(NEAR_MS);
  },
);
