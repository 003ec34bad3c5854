import { setTimeout as sleep } from "node:timers/promises";
import type { TableBehind, TickReport } from "../lambdas/loader/tick.ts";
import type { RunReport } from "../lambdas/sequencer/run.ts";
import type { Cloud } from "./cloud.ts";
import type { InvokeResult } from "./lambda/invoke-result.ts";
import type { Schedule } from "./schedule.ts";

const LOOK_AGAIN_MS = 200;

/** A laptop loads a minute's worth in a second; a load that fails is tried again after backing off. */
const DEADLINE_MS = 120_000;

/**
 * Lets everything that is in the stream run through: the router to its last record, the sequencer to the last
 * commit, then the loader until no commit waits, or until it would not try again in time what waits.
 *
 * @returns what is left behind: for each table that is not loaded, its name and the loader's own words of why
 */
export async function drain(
  { mapping, schedules }: Pick<Cloud, "mapping" | "schedules">,
  signal: AbortSignal,
  deadlineMs = DEADLINE_MS,
): Promise<readonly string[]> {
  await mapping.drained();
  const unsequenced = await sequenceAll(schedules.sequencer, Date.now() + deadlineMs, signal);
  if (unsequenced !== undefined) return [unsequenced];
  const left: string[] = [];
  for (const loader of loadersOf(schedules)) {
    left.push(...(await loadAll(loader, Date.now() + deadlineMs, signal)));
  }
  return left;
}

function loadersOf({ loader, loaders }: Partial<Pick<Cloud["schedules"], "loader" | "loaders">>): Schedule[] {
  if (loaders) return [...loaders.values()];
  return loader ? [loader] : [];
}

/** @returns why commits are left that are not in the log, if any are */
async function sequenceAll(
  sequencer: Schedule,
  deadline: number,
  signal: AbortSignal,
): Promise<string | undefined> {
  for (;;) {
    const result = await sequencer.tick();
    if (result.ok && (JSON.parse(result.payload) as RunReport).lagSeconds === 0) return undefined;
    if (Date.now() > deadline)
      return result.ok ? "commits are not in the log in time" : fails("sequencer", result);
    await sleep(LOOK_AGAIN_MS, undefined, { signal });
  }
}

async function loadAll(loader: Schedule, deadline: number, signal: AbortSignal): Promise<readonly string[]> {
  for (;;) {
    const result = await loader.tick();
    const isLate = Date.now() > deadline;
    if (result.ok) {
      const { behind = [] } = JSON.parse(result.payload) as TickReport;
      if (isLate || behind.every((table) => isGivenUp(table, deadline))) return behind.map(problem);
    } else if (isLate) return [fails("loader", result)];
    await sleep(LOOK_AGAIN_MS, undefined, { signal });
  }
}

function fails(part: string, { error }: Extract<InvokeResult, { ok: false }>): string {
  return `the ${part} fails: ${error.type}: ${error.message}`;
}

function isGivenUp({ failure, paused }: TableBehind, deadline: number): boolean {
  if (paused !== undefined) return true;
  return failure !== undefined && Date.parse(failure.notBefore) > deadline;
}

function problem({ table, failure, paused }: TableBehind): string {
  if (paused !== undefined) return `table ${table} is paused since ${paused.since}`;
  return failure === undefined
    ? `table ${table} is not loaded in time`
    : `table ${table} could not be loaded: ${failure.error.replaceAll("\n", "; ")}`;
}
