import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { loadConfig } from "../../lib/load-config.ts";
import type { WeirConfig } from "../../wire/config.ts";
import { warehouseOf } from "../../wire/warehouses.ts";
import { type Cloud, type CloudOptions, removeCloud, startCloud } from "../../local/cloud.ts";
import { drain } from "../../local/drain.ts";
import { LocalAgent } from "../../local/agent/local-agent.ts";
import { reconcile } from "../../local/reconcile/reconcile.ts";
import type { Report } from "../../local/reconcile/report.ts";
import { redshiftTables } from "../../local/redshift-tables.ts";
import type { Deployment } from "../../local/template/deployment.ts";
import { readDeployment } from "../../local/template/read-deployment.ts";
import { synthesize } from "../../local/template/synthesize.ts";
import { onceInRun } from "../run-folder.ts";
import { generateTraffic, SAMPLE_TYPES, type TrafficOptions } from "../../local/traffic/traffic.ts";
import { EVENT_MS, PIPELINE_MS } from "../time-limits.ts";

const CONFIG_FILE = fileURLToPath(new URL("../../weir.config.ts", import.meta.url));

/** The sample configuration's stack, synthesized once for all tests of a run, or another one's for those of a file. */
export interface SampleStack extends AsyncDisposable {
  readonly config: WeirConfig;
  readonly deployment: Deployment;
}

export async function sampleStack(configFile = CONFIG_FILE): Promise<SampleStack> {
  const config = await loadConfig(configFile);
  if (configFile === CONFIG_FILE) {
    const assembly = await onceInRun("sample-stack", (dir) => synthesize(configFile, dir));
    return { config, deployment: readDeployment(assembly), [Symbol.asyncDispose]: async () => {} };
  }
  const dir = await mkdtemp(join(tmpdir(), "weir-stack-"));
  const deployment = readDeployment(await synthesize(configFile, dir));
  return { config, deployment, [Symbol.asyncDispose]: () => rm(dir, { recursive: true }) };
}

type CloudFaults = Pick<
  CloudOptions,
  "environment" | "onMappingEvent" | "onLoaderTick" | "beforeCommit" | "sequencerEveryMs"
>;

export interface Faults extends CloudFaults {
  /** How lines come, where a quarter of them a second is not wanted. */
  readonly traffic?: Pick<TrafficOptions, "linesPerSecond" | "rotateEveryLines" | "signal">;
  /** Of Kinesis as the agent sees it, when something stands between. */
  readonly agentEndpoint?: string;
  /** Told once everything runs, before the first line is written. */
  readonly onStart?: (cloud: Cloud, agent: LocalAgent) => void;
  /** Awaited once all has gone through, before it is reconciled; told of the folder of the cloud. */
  readonly onDrained?: (cloud: Cloud, dir: string) => Promise<void>;
}

/** Sends sample traffic through the whole pipeline, with faults in its way, and reconciles. */
export async function runPipeline(
  { config, deployment }: SampleStack,
  linesPerType: number,
  faults: Faults,
): Promise<Report> {
  await using stack = new AsyncDisposableStack();
  const dir = await mkdtemp(join(tmpdir(), "weir-pipeline-"));
  stack.defer(() => removeCloud(dir));
  const printed: string[] = [];
  const log = (part: string, line: string) => void printed.push(`${part} ${line}`);
  const signal = AbortSignal.timeout(PIPELINE_MS);
  const cloud = await startCloud({
    deployment,
    dir,
    log,
    sequencerEveryMs: 500,
    loaderEveryMs: 1_000,
    batchingWindowSeconds: 0,
    signal,
    ...faults,
  });
  stack.defer(() => cloud.stop());
  const logs = join(dir, "logs");
  await mkdir(logs);
  const created = await LocalAgent.create({
    dir,
    stream: deployment.stream.name,
    endpoint: faults.agentEndpoint ?? cloud.kinesisEndpoint,
    environment: cloud.environment,
    files: Object.fromEntries(SAMPLE_TYPES.map(({ type }) => [type, [join(logs, `${type}.log*`)]])),
    monitorPort: 0,
    log: (line) => log("agent", line),
    onEvent: (event) => log("agent", event),
    signal,
  });
  const agent = stack.use(created);
  faults.onStart?.(cloud, agent);
  agent.start();
  try {
    const truth = await generateTraffic({
      dir: logs,
      seed: 7,
      linesPerType,
      linesPerSecond: linesPerType / 4,
      ...faults.traffic,
      signal: AbortSignal.any([signal, faults.traffic?.signal].filter((signal) => signal !== undefined)),
    });
    await agent.drain();
    await drain(cloud, signal, EVENT_MS);
    await faults.onDrained?.(cloud, dir);
    return await reconcile({
      s3: cloud.s3,
      bucket: deployment.lakeBucket,
      types: config.types,
      truth,
      warehouse: redshiftTables(cloud.warehouse!, cloud.warehouses),
      warehouseOf: (target) => warehouseOf(config, target),
      loads: 0,
      seconds: 0,
      signal,
    });
  } catch (error) {
    const lastWords = printed.filter((line) => !line.includes('"_aws"')).slice(-60);
    throw new Error(`the pipeline failed; its last words:\n${lastWords.join("\n")}`, { cause: error });
  }
}
