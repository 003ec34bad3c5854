import type { TickReport } from "../lambdas/loader/tick.ts";
import { MAIN_WAREHOUSE } from "../wire/warehouses.ts";
import type { LoaderAnswer } from "../wire/loader-command.ts";
import type { LambdaFunction } from "./lambda/function.ts";
import type { InvokeResult } from "./lambda/invoke-result.ts";
import { type Schedule, startSchedule } from "./schedule.ts";
import type { DeployedLoader, DeployedSchedule, Deployment } from "./template/deployment.ts";

export interface SchedulesOptions {
  readonly deployment: Deployment;
  readonly sequencer: LambdaFunction;
  readonly fleet: LambdaFunction | undefined;
  readonly loaders: readonly { readonly deployed: DeployedLoader; readonly function: LambdaFunction }[];
  /** Between two ticks; as deployed when absent. */
  readonly sequencerEveryMs?: number;
  readonly loaderEveryMs?: number;
  readonly fleetEveryMs?: number;
  readonly onLoaderTick?: (report: TickReport, warehouse: string) => void;
  readonly log: (part: string, line: string) => void;
  readonly signal?: AbortSignal | undefined;
}

/** The functions that run by the clock. */
export interface Schedules {
  readonly sequencer: Schedule;
  readonly fleet: Schedule | undefined;
  /** The main warehouse's, or the first. */
  readonly loader: Schedule | undefined;
  /** Each one, by the name of its warehouse. */
  readonly loaders: ReadonlyMap<string, Schedule>;
  /** Puts an event on the bus: whichever loader's rule takes it, it brings back. */
  put(event: object): void;
  stop(): void;
}

/** Starts every schedule of a deployment, and the events that bring loaders back. */
export function startSchedules(options: SchedulesOptions): Schedules {
  const { deployment, log, signal, sequencerEveryMs, fleetEveryMs } = options;
  const ticked = { log, signal };
  const sequencer = startTicks("sequencer", options.sequencer, deployment.schedules.sequencer, {
    ...ticked,
    everyMs: sequencerEveryMs,
  });
  const fleet =
    options.fleet &&
    startTicks("fleet", options.fleet, deployment.schedules.fleet!, { ...ticked, everyMs: fleetEveryMs });
  const loaders = new Map(options.loaders.map((one) => [one.deployed.name, startLoading(options, one)]));
  const [loader] = loaders.values();
  return {
    sequencer,
    fleet,
    loader,
    loaders,
    put: (event) => {
      for (const schedule of loaders.values()) schedule.put(event);
    },
    stop: () => {
      sequencer.stop();
      fleet?.stop();
      for (const schedule of loaders.values()) schedule.stop();
    },
  };
}

/** A function that nothing but its clock invokes. */
function startTicks(
  part: string,
  ticked: LambdaFunction,
  { rateSeconds, input }: DeployedSchedule,
  {
    everyMs,
    log,
    signal,
  }: Pick<SchedulesOptions, "log" | "signal"> & { readonly everyMs?: number | undefined },
): Schedule {
  return startSchedule({
    invoke: (payload) => ticked.invoke(payload),
    everyMs: everyMs ?? rateSeconds * 1_000,
    payload: JSON.stringify(input),
    onInvoked: (result) => {
      if (!result.ok) log(part, invocationFailed(result));
    },
    ...(signal && { signal }),
  });
}

function startLoading(
  { loaderEveryMs, log, onLoaderTick, signal }: SchedulesOptions,
  { deployed, function: loader }: SchedulesOptions["loaders"][number],
): Schedule {
  const { name, schedule, statementEvents } = deployed;
  const { rateSeconds, input } = schedule;
  return startSchedule({
    invoke: (payload) => loader.invoke(payload),
    everyMs: loaderEveryMs ?? rateSeconds * 1_000,
    payload: JSON.stringify(input),
    pattern: statementEvents.pattern,
    onInvoked: (result) => {
      if (result.ok) tellTick(result.payload, (report) => onLoaderTick?.(report, name));
      else log(loaderPart(name), invocationFailed(result));
    },
    ...(signal && { signal }),
  });
}

/** What an operator's command answers is no report. */
function tellTick(payload: string, onTick: (report: TickReport) => void): void {
  const report = JSON.parse(payload) as TickReport | LoaderAnswer;
  if ("lagSeconds" in report) onTick(report);
}

/** What a loader is called among the parts. */
export const loaderPart = (warehouse: string): string =>
  warehouse === MAIN_WAREHOUSE ? "loader" : `loader-${warehouse}`;

function invocationFailed({ error }: Extract<InvokeResult, { ok: false }>): string {
  return `invocation failed: ${error.type}: ${error.message}`;
}
