import type { TickReport } from "../lambdas/loader/tick.ts";
import type { RunReport } from "../lambdas/sequencer/run.ts";
import { MAIN_WAREHOUSE } from "../wire/warehouses.ts";
import type { LoaderAnswer } from "../wire/loader-command.ts";
import type { LambdaFunction } from "./lambda/function.ts";
import type { InvokeResult } from "./lambda/invoke-result.ts";
import { News } from "./news.ts";
import { type Schedule, type ScheduleOptions, startSchedule } from "./schedule.ts";
import type { DeployedLoader, DeployedSchedule, Deployment } from "./template/deployment.ts";

type Ticked = Pick<LambdaFunction, "invoke">;
type LoaderSchedule = Pick<DeployedLoader, "name" | "schedule" | "statementEvents">;

export interface SchedulesOptions {
  readonly deployment: Pick<Deployment, "schedules">;
  readonly sequencer: Ticked;
  readonly fleet: Ticked | undefined;
  readonly loaders: readonly { readonly deployed: LoaderSchedule; readonly function: Ticked }[];
  /** Between two ticks; as deployed when absent. */
  readonly sequencerEveryMs?: number;
  readonly loaderEveryMs?: number;
  readonly fleetEveryMs?: number;
  readonly onLoaderTick?: (report: TickReport, warehouse: string) => void;
  /** Told that the log has grown. */
  readonly onSegments?: () => void;
  readonly log: (part: string, line: string) => void;
  readonly signal?: AbortSignal | undefined;
  /** Passes the time between ticks; the machine's clock by default. */
  readonly wait?: ScheduleOptions["wait"];
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
  /** The router has run: there may be commits. */
  routed(): void;
  stop(): void;
}

/** Starts every schedule of a deployment, and the events that bring loaders back. */
export function startSchedules(options: SchedulesOptions): Schedules {
  const { deployment, fleetEveryMs } = options;
  const commits = new News();
  const withNews = options.loaders.map((loader) => ({ ...loader, news: new News() }));
  const sequencer = startSequencing(options, commits, () => {
    for (const { news } of withNews) news.come();
    options.onSegments?.();
  });
  const fleet =
    options.fleet &&
    startTicks("fleet", options.fleet, deployment.schedules.fleet!, options, { everyMs: fleetEveryMs });
  const loaders = new Map(withNews.map((one) => [one.deployed.name, startLoading(options, one)]));
  const [loader] = loaders.values();
  return {
    sequencer,
    fleet,
    loader,
    loaders,
    put: (event) => {
      for (const schedule of loaders.values()) schedule.put(event);
    },
    routed: () => commits.come(),
    stop: () => {
      sequencer.stop();
      fleet?.stop();
      for (const schedule of loaders.values()) schedule.stop();
    },
  };
}

/** The sequencer, which has nothing to do while the router has not run. */
function startSequencing(options: SchedulesOptions, news: News, onSegments: () => void): Schedule {
  const { deployment, sequencer, sequencerEveryMs } = options;
  return startTicks("sequencer", sequencer, deployment.schedules.sequencer, options, {
    everyMs: sequencerEveryMs,
    news,
    onInvoked: (result) => {
      const report = result.ok ? (JSON.parse(result.payload) as RunReport) : undefined;
      // A run that failed may have put segments, and left commits.
      if (report === undefined || report.segments > 0) onSegments();
      if (report === undefined || report.lagSeconds > 0) news.come();
    },
  });
}

/** A function that its clock invokes; what fails is told. */
function startTicks(
  part: string,
  ticked: Ticked,
  { rateSeconds, input }: DeployedSchedule,
  { log, signal, wait }: SchedulesOptions,
  {
    everyMs,
    onInvoked,
    ...more
  }: Pick<ScheduleOptions, "news" | "onInvoked" | "pattern"> & { readonly everyMs: number | undefined },
): Schedule {
  return startSchedule({
    ...more,
    invoke: (payload) => ticked.invoke(payload),
    everyMs: everyMs ?? rateSeconds * 1_000,
    payload: JSON.stringify(input),
    onInvoked: (result) => {
      if (!result.ok) log(part, invocationFailed(result));
      onInvoked?.(result);
    },
    ...(signal && { signal }),
    ...(wait && { wait }),
  });
}

/** A loader, which has nothing to do while the log has not grown and nothing is left of what it has. */
function startLoading(
  options: SchedulesOptions,
  { deployed, function: loader, news }: SchedulesOptions["loaders"][number] & { readonly news: News },
): Schedule {
  const { name, schedule, statementEvents } = deployed;
  return startTicks(loaderPart(name), loader, schedule, options, {
    everyMs: options.loaderEveryMs,
    pattern: statementEvents.pattern,
    news,
    onInvoked: (result) => {
      const report = result.ok ? tickReportOf(result.payload) : undefined;
      if (report) options.onLoaderTick?.(report, name);
      if (report === undefined || isUnfinished(report)) news.come();
    },
  });
}

/** What an operator's command answers is no report. */
function tickReportOf(payload: string): TickReport | undefined {
  const report = JSON.parse(payload) as TickReport | LoaderAnswer;
  return "lagSeconds" in report ? report : undefined;
}

/** Whether the next tick may do more, though nothing comes: a load goes on, or what is refused is tried again. */
function isUnfinished({ events, behind, held, refused, unreadable }: TickReport): boolean {
  return events.length > 0 || [behind, held, refused].some((left) => left !== undefined) || unreadable > 0;
}

/** What a loader is called among the parts. */
export const loaderPart = (warehouse: string): string =>
  warehouse === MAIN_WAREHOUSE ? "loader" : `loader-${warehouse}`;

function invocationFailed({ error }: Extract<InvokeResult, { ok: false }>): string {
  return `invocation failed: ${error.type}: ${error.message}`;
}
