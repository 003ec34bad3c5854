import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { loadConfig } from "../../lib/load-config.ts";
import type { WeirConfig } from "../../wire/config.ts";
import { warehouseOf } from "../../wire/warehouses.ts";
import { accountOf, withFiles } from "./account.ts";
import { assertInputs, readAgentFile } from "../agent/agent-file.ts";
import { readAgentSources } from "../agent/agent-sources.ts";
import { type Cloud, startCloud } from "../cloud.ts";
import { startConsole } from "../console/console.ts";
import { RecentLines } from "../console/recent-lines.ts";
import { consoleRoutes } from "../console/routes.ts";
import { type LakeTotals, watchLake } from "../console/watch-lake.ts";
import { drain } from "../drain.ts";
import { watchConditions } from "../conditions/watch-conditions.ts";
import { Gauges } from "./gauges.ts";
import {
  agentInput,
  assertEnds,
  type Input,
  logFilesInput,
  noInput,
  noTraffic,
  sampleTypesOf,
  trafficDir,
  trafficInput,
} from "./input.ts";
import { agentStateDir, type LocalAgent } from "../agent/local-agent.ts";
import { assertStarts, findLogFiles, type LogGlobs, type LogStarts } from "../agent/log-files.ts";
import { assertFree } from "../part.ts";
import { News } from "../news.ts";
import type { AgentSource } from "../reconcile/agent-source.ts";
import { reconcile } from "../reconcile/reconcile.ts";
import type { Report } from "../reconcile/report.ts";
import { redshiftTables } from "../redshift-tables.ts";
import { shellWord, writeShellEnvironment } from "./shell-environment.ts";
import { type RunState, withEarlier } from "./run-state.ts";
import { startAgent, tellInput, untilEnded } from "../agent/run-agent.ts";
import { readDeployment } from "../template/read-deployment.ts";
import { synthesize } from "../template/synthesize.ts";

/** Nobody who looks at a page wants to wait for the deployed minute, 5 minutes and 30 seconds. */
const SEQUENCER_EVERY_MS = 2_000;
const LOADER_EVERY_MS = 3_000;
const FLEET_EVERY_MS = 5_000;
const BATCHING_WINDOW_SECONDS = 1;

export interface RunOptions {
  readonly configFile: string;
  /** Files to send, by log type; sample traffic when there are none. */
  readonly logs: LogGlobs;
  /** What their events begin with, by log type, where an event may have several lines. */
  readonly starts?: LogStarts;
  /** An agent's configuration that says what to send instead. */
  readonly agentFile?: string | undefined;
  /** Ends once what is there has arrived. */
  readonly once: boolean;
  /** Lines of sample traffic, of each type; without end until `finish` when absent. */
  readonly linesPerType: number | undefined;
  readonly linesPerSecond: number | undefined;
  readonly seed: number;
  /** Port of the console; a free one when absent. */
  readonly port: number | undefined;
  /** Files, state and logs. */
  readonly dir: string;
  /** Whether it can be gone on with, and what earlier runs have left there; absent where nobody will. */
  readonly state?: RunState;
  /** Share of a type's lines above which its rejects are told. */
  readonly maxRejectedPercent: number;
  /** Progress, a line at a time. */
  readonly say: (line: string) => void;
  /** Text for people to copy, as it is. */
  readonly show: (text: string) => void;
  readonly log: (part: string, line: string) => void;
  /** Ends the input; what is under way still arrives. */
  readonly finish: AbortSignal;
  /** Ends everything at once. */
  readonly signal: AbortSignal;
}

/**
 * Runs the pipeline as it would deploy: files → agent → stream → router → lake → loader → warehouse,
 * until the input ends, then drains it and holds what arrived against what the files say.
 */
export async function run(asked: RunOptions): Promise<Report> {
  const printed = new RecentLines();
  const options = { ...asked, log: printed.noted(asked.log) };
  const { configFile, dir, state, say, signal } = options;
  await using stack = new AsyncDisposableStack();
  const config = await loadConfig(configFile);
  const inputOf = await findInput(options, config);
  if (options.port !== undefined) await assertFree("live page", options.port);
  await mkdir(dir, { recursive: true });
  say("synthesizing the stack");
  const deployment = readDeployment(await synthesize(configFile, join(dir, "cdk.out"), signal));

  const gauges = new Gauges(config.types, (target) => warehouseOf(config, target));
  gauges.maxRejectedPercent = options.maxRejectedPercent;
  say("starting Kinesis, S3 and the warehouse");
  const segments = new News();
  const cloud = await startCloud({
    deployment,
    dir,
    log: options.log,
    sequencerEveryMs: SEQUENCER_EVERY_MS,
    loaderEveryMs: LOADER_EVERY_MS,
    fleetEveryMs: FLEET_EVERY_MS,
    batchingWindowSeconds: BATCHING_WINDOW_SECONDS,
    onMappingEvent: (event) => gauges.onMappingEvent(event),
    onAlarm: ({ subject, message }) => {
      say(`alarm: ${subject}`);
      for (const line of message.split("\n")) options.log("alarm", line);
    },
    onLoaderTick: (report, warehouse) => gauges.onLoaderTick(report, warehouse),
    onSegments: () => segments.come(),
    onResult: (part, error) => gauges.signs.onResult(part, error),
    onIdleDeath: (part, how) => gauges.signs.onIdleDeath(part, how),
    signal,
  });
  stack.defer(() => cloud.stop());
  const watching = new AbortController();
  stack.defer(() => watching.abort());
  const lake = watchLake(cloud.s3, deployment.lakeBucket, {
    news: segments,
    signal: AbortSignal.any([signal, watching.signal]),
  });
  watchConditions(gauges, cloud, lake.totals, dir, say, AbortSignal.any([signal, watching.signal]));
  const page = await startConsole({
    port: options.port ?? 0,
    snapshot: () => gauges.snapshot(cloud.mapping, lake.totals),
    routes: consoleRoutes({ cloud, lake: lake.totals, config, configFile, printed }),
  });
  stack.defer(() => page.stop());
  say(`live page: ${page.url}`);
  await sayWhereDataIs(cloud, dir, say, stack);

  const input = inputOf(lake.totals);
  await tellInput(input, config, options);
  const tables = cloud.warehouse && redshiftTables(cloud.warehouse, cloud.warehouses);
  if (state?.earlier) {
    say("it goes on with what earlier runs in this folder have kept");
    if (tables) await gauges.startFrom(tables);
  }
  await state?.began();
  const agent = await startAgent(input, options, { cloud, gauges, config, stack });
  gauges.phase = "running";
  const progress = setInterval(() => say(progressLine(gauges, lake.totals)), 5_000);
  stack.defer(() => clearInterval(progress));
  await untilEnded(input, agent, signal);
  gauges.phase = "draining";
  // It starts again, to end with the files it has.
  gauges.signs.agentStarted();
  say("the input has ended: draining");
  await agent?.drain();
  gauges.agentDrained();
  const unloaded = await drain(cloud, signal);
  const sources = await sourcesOf(input, agent, options);
  await state?.drained(sources);
  clearInterval(progress);

  const report = await reconcile({
    s3: cloud.s3,
    bucket: deployment.lakeBucket,
    types: config.types,
    ...accountOf(input.truth(), sources, state?.earlier === undefined),
    warehouse: tables,
    warehouseOf: (target) => warehouseOf(config, target),
    unloaded: [...unloaded, ...gauges.refused],
    loads: gauges.loads,
    seconds: gauges.elapsedSeconds,
    signal,
  });
  gauges.phase = report.balanced ? "balanced" : "unbalanced";
  gauges.problems = report.problems;
  // The page is left with all of it, and with what is rejected.
  await lake.totals.refresh(signal);
  gauges.look(cloud.mapping, lake.totals);
  return report;
}

/** Tells where rows and objects can be looked at, and how. */
async function sayWhereDataIs(
  { deployment, environment, warehouse, s3Endpoint, kinesisEndpoint }: Cloud,
  dir: string,
  say: (line: string) => void,
  stack: AsyncDisposableStack,
): Promise<void> {
  const shell = { ...environment, LAKE: `s3://${deployment.lakeBucket}` };
  const written = await writeShellEnvironment(dir, shell, warehouse);
  stack.defer(() => written.stop());
  if (warehouse) {
    say(
      `tables:  PostgreSQL at 127.0.0.1:${warehouse.port}, database ${warehouse.database}; SQL on the live page`,
    );
  }
  say(`objects: S3 at ${s3Endpoint}, bucket ${deployment.lakeBucket}`);
  say(
    `stream:  Kinesis at ${kinesisEndpoint}, stream ${deployment.stream.name}, region ${deployment.region}`,
  );
  const tools = `${warehouse ? "psql, " : ""}aws s3 ls $LAKE, aws kinesis`;
  say(`to look at them in a shell:  . ${shellWord(written.path)}   and then ${tools}; docs/lake.md has more`);
  say(`weir's commands:  npx weir loads --local ${shellWord(dir)}`);
}

/** Every source there was, of this run and those before it. */
async function sourcesOf(
  input: Input,
  agent: LocalAgent | undefined,
  { dir, logs, state }: RunOptions,
): Promise<AgentSource[]> {
  const own = agent ? await readAgentSources(dir, input.agentFile?.variables) : [];
  const areNamed = Object.keys(logs).length > 0;
  return withEarlier(areNamed ? await withFiles(own, input.truth() ?? {}) : own, state?.earlier);
}

/** @throws RunError of an input that cannot be used, before anything is started */
async function findInput(options: RunOptions, config: WeirConfig): Promise<(lake: LakeTotals) => Input> {
  const { agentFile, logs, starts = {}, once, finish, dir, configFile } = options;
  assertStarts(starts, logs);
  if (agentFile !== undefined) {
    const file = await readAgentFile(agentFile);
    if (once) assertEnds(file);
    await assertInputs(file, agentStateDir(dir));
    return () => agentInput(file, once, finish);
  }
  if (Object.keys(logs).length > 0) {
    const input = logFilesInput(await findLogFiles(logs, config.types), starts, config);
    return () => input;
  }
  const types = sampleTypesOf(config);
  if (types.length === 0) {
    if (once) throw noInput(configFile);
    return () => noTraffic(finish);
  }
  const traffic = { ...options, dir: await trafficDir(dir) };
  return (lake) => trafficInput(traffic, types, lake, finish);
}

function progressLine(gauges: Gauges, { types }: ReturnType<typeof watchLake>["totals"]): string {
  const sum = (of: "lines" | "rejected"): number =>
    Object.values(types).reduce((total, counts) => total + counts[of], 0);
  const [lines, rejected] = [sum("lines"), sum("rejected")].map((count) => count.toLocaleString("en-US"));
  const rows = gauges.rowsLoaded.toLocaleString("en-US");
  return `${gauges.elapsedSeconds.toFixed(0).padStart(4)} s  ${lines} lines routed, ${rejected} rejected, ${rows} rows loaded`;
}
