import { setTimeout as sleep } from "node:timers/promises";
import type { TableBehind, TickReport } from "../lambdas/loader/tick.ts";
import type { Cloud } from "./cloud.ts";

const LOOK_AGAIN_MS = 200;

/** A laptop loads a minute's worth in a second; a load that fails is tried again after backing off. */
const LOAD_DEADLINE_MS = 120_000;

/**
 * Lets everything that is in the stream run through: the router to its last record, then the loader
 * until no commit waits, or until it would not try again in time what waits.
 *
 * @returns for each table that is not loaded, its name and the loader's own words of why
 */
export async function drain(
  { mapping, schedule }: Pick<Cloud, "mapping" | "schedule">,
  signal: AbortSignal,
  deadlineMs = LOAD_DEADLINE_MS,
): Promise<readonly string[]> {
  await mapping.drained();
  if (!schedule) return [];
  const deadline = Date.now() + deadlineMs;
  for (;;) {
    const result = await schedule.tick();
    const isLate = Date.now() > deadline;
    if (result.ok) {
      const { behind = [] } = JSON.parse(result.payload) as TickReport;
      if (isLate || behind.every((table) => isGivenUp(table, deadline))) return behind.map(problem);
    } else if (isLate) return [`the loader fails: ${result.error.type}: ${result.error.message}`];
    await sleep(LOOK_AGAIN_MS, undefined, { signal });
  }
}

function isGivenUp({ failure }: TableBehind, deadline: number): boolean {
  return failure !== undefined && Date.parse(failure.notBefore) > deadline;
}

function problem({ table, failure }: TableBehind): string {
  return failure === undefined
    ? `table ${table} is not loaded in time`
    : `table ${table} could not be loaded: ${failure.error.replaceAll("\n", "; ")}`;
}
