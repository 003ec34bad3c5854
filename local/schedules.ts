import type { TickReport } from "../lambdas/loader/tick.ts";
import type { LoaderAnswer } from "../wire/loader-command.ts";
import type { LambdaFunction } from "./lambda/function.ts";
import type { InvokeResult } from "./lambda/invoke-result.ts";
import { type Schedule, startSchedule } from "./schedule.ts";
import type { Deployment } from "./template/deployment.ts";

export interface SchedulesOptions {
  readonly deployment: Deployment;
  readonly sequencer: LambdaFunction;
  readonly loader: LambdaFunction | undefined;
  /** Between two ticks; as deployed when absent. */
  readonly sequencerEveryMs?: number;
  readonly loaderEveryMs?: number;
  readonly onLoaderTick?: (report: TickReport) => void;
  readonly log: (part: string, line: string) => void;
  readonly signal?: AbortSignal | undefined;
}

/** The functions that run by the clock. */
export interface Schedules {
  readonly sequencer: Schedule;
  readonly loader: Schedule | undefined;
  stop(): void;
}

/** Starts every schedule of a deployment, and the events that bring the loader back. */
export function startSchedules(options: SchedulesOptions): Schedules {
  const sequencer = startSequencing(options);
  const loader = options.loader && startLoading(options, options.loader);
  return {
    sequencer,
    loader,
    stop: () => {
      sequencer.stop();
      loader?.stop();
    },
  };
}

function startSequencing({
  deployment,
  sequencer,
  sequencerEveryMs,
  log,
  signal,
}: SchedulesOptions): Schedule {
  const { rateSeconds, input } = deployment.schedules.sequencer;
  return startSchedule({
    invoke: (payload) => sequencer.invoke(payload),
    everyMs: sequencerEveryMs ?? rateSeconds * 1_000,
    payload: JSON.stringify(input),
    onInvoked: (result) => {
      if (!result.ok) log("sequencer", invocationFailed(result));
    },
    ...(signal && { signal }),
  });
}

function startLoading(
  { deployment, loaderEveryMs, log, onLoaderTick, signal }: SchedulesOptions,
  loader: LambdaFunction,
): Schedule {
  const { schedules, statementEvents } = deployment;
  const { rateSeconds, input } = schedules.loader!;
  return startSchedule({
    invoke: (payload) => loader.invoke(payload),
    everyMs: loaderEveryMs ?? rateSeconds * 1_000,
    payload: JSON.stringify(input),
    ...(statementEvents && { pattern: statementEvents.pattern }),
    onInvoked: (result) => {
      if (result.ok) tellTick(result.payload, onLoaderTick);
      else log("loader", invocationFailed(result));
    },
    ...(signal && { signal }),
  });
}

/** What an operator's command answers is no report. */
function tellTick(payload: string, onLoaderTick: SchedulesOptions["onLoaderTick"]): void {
  const report = JSON.parse(payload) as TickReport | LoaderAnswer;
  if ("lagSeconds" in report) onLoaderTick?.(report);
}

function invocationFailed({ error }: Extract<InvokeResult, { ok: false }>): string {
  return `invocation failed: ${error.type}: ${error.message}`;
}
