import { setTimeout as sleep } from "node:timers/promises";
import type { TickReport } from "../lambdas/loader/tick.ts";
import type { Cloud } from "./cloud.ts";
import { RunError } from "./run-error.ts";

const LOOK_AGAIN_MS = 200;

/** A laptop loads a minute's worth in a second; a load that fails is tried again after backing off. */
const LOAD_DEADLINE_MS = 120_000;

/**
 * Lets everything that is in the stream run through: the router to its last record, then the loader
 * until it says that no commit waits.
 *
 * @throws RunError NOT_DRAINED with the loader's own words when a load does not end
 */
export async function drain({ mapping, schedule }: Cloud, signal: AbortSignal): Promise<void> {
  await mapping.drained();
  if (!schedule) return;
  const deadline = Date.now() + LOAD_DEADLINE_MS;
  for (let last = ""; ;) {
    const result = await schedule.tick();
    if (result.ok) {
      const { lagSeconds, events } = JSON.parse(result.payload) as TickReport;
      if (lagSeconds === 0) return;
      if (events.length > 0) last = JSON.stringify(events);
    } else last = `${result.error.type}: ${result.error.message}`;
    if (Date.now() > deadline) {
      const seconds = LOAD_DEADLINE_MS / 1_000;
      const message = `commits are not loaded after ${seconds} s`;
      throw new RunError(
        "NOT_DRAINED",
        message,
        last === "" ? "The loader says nothing of why." : `The loader says: ${last}`,
      );
    }
    await sleep(LOOK_AGAIN_MS, undefined, { signal });
  }
}
