import { randomUUID } from "node:crypto";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { KinesisClient } from "@aws-sdk/client-kinesis";
import { S3Client } from "@aws-sdk/client-s3";
import { NodeHttpHandler } from "@smithy/node-http-handler";
import type { TickReport } from "../lambdas/loader/tick.ts";
import type { CloudFile } from "../wire/cloud-file.ts";
import { MAIN_WAREHOUSE } from "../wire/warehouses.ts";
import { type Alarm, startAlarmTopic } from "./alarm-topic.ts";
import { announce } from "./cloud-file.ts";
import { CREDENTIALS } from "./credentials.ts";
import { startKinesis } from "./kinesis.ts";
import { type LambdaFunction, startFunction } from "./lambda/function.ts";
import { type InvokedFunction, startInvokeApi } from "./lambda/invoke-api.ts";
import { type Mapping, startMapping } from "./mapping/mapping.ts";
import type { MappingEvent } from "./mapping/mapping-event.ts";
import { startS3 } from "./s3.ts";
import { loaderPart, type Schedules, startSchedules } from "./schedules.ts";
import {
  type DeployedFunction,
  type DeployedLoader,
  type Deployment,
  loadersOf,
} from "./template/deployment.ts";
import type { Statement } from "./warehouse/statement.ts";
import type { Warehouse } from "./warehouse/warehouse.ts";
import { removeWarehouses, startWarehouses, stopWarehouses } from "./warehouses.ts";

/** An on-demand stream begins with 4 MB/s, so with four shards. Kinesis quotas page, read 2026-11. */
const ON_DEMAND_SHARDS = 4;
const DEFAULT_CONCURRENCY = 10;
const WAREHOUSE = "warehouse";

/** What a function does in the stack. */
export type Role = keyof Deployment["functions"];

export interface CloudOptions {
  readonly deployment: Deployment;
  /** Where the parts keep their files. */
  readonly dir: string;
  /** Between two ticks of the sequencer, and of the loader; as deployed when absent. */
  readonly sequencerEveryMs?: number;
  readonly loaderEveryMs?: number;
  /** Between two runs of fleet watch. */
  readonly fleetEveryMs?: number;
  /** Longest wait for a fuller batch; as deployed when absent. */
  readonly batchingWindowSeconds?: number;
  /** What the parts print. */
  readonly log: (part: string, line: string) => void;
  readonly onMappingEvent?: (event: MappingEvent) => void;
  /** What was published to the topic for alarms. */
  readonly onAlarm?: (alarm: Alarm) => void;
  readonly onLoaderTick?: (report: TickReport, warehouse: string) => void;
  /** Told that the log has grown. */
  readonly onSegments?: () => void;
  /** Told of each invocation of a part what went wrong, or undefined. */
  readonly onResult?: (part: string, error: string | undefined) => void;
  /** Told of a part's process that died between two invocations. */
  readonly onIdleDeath?: (part: string, how: string) => void;
  /** Added to the environment of a function, by its role; tests put faults in its way. */
  readonly environment?: (role: Role) => Readonly<Record<string, string>>;
  /** Awaited when a warehouse statement has run but is not committed. */
  readonly beforeCommit?: (statement: Statement) => Promise<void>;
  readonly signal?: AbortSignal | undefined;
}

/** The deployed stack, running on this machine. */
export interface Cloud {
  readonly deployment: Deployment;
  /** For a process that is to use this cloud instead of AWS. */
  readonly environment: Readonly<Record<string, string>>;
  readonly kinesisEndpoint: string;
  readonly s3Endpoint: string;
  /** Invokes the functions, as Lambda does. */
  readonly lambdaEndpoint: string;
  readonly s3: S3Client;
  readonly mapping: Mapping;
  readonly router: LambdaFunction;
  readonly sequencer: LambdaFunction;
  readonly loader: LambdaFunction | undefined;
  readonly fleet: LambdaFunction | undefined;
  readonly schedules: Schedules;
  /** The main one, or the first. */
  readonly warehouse: Warehouse | undefined;
  /** Each one, by its name. */
  readonly warehouses: ReadonlyMap<string, Warehouse>;
  stop(): Promise<void>;
}

/**
 * Starts every part of a deployment, or none.
 *
 * @throws PartError, WarehouseError naming the part that does not start
 */
export async function startCloud(options: CloudOptions): Promise<Cloud> {
  const { deployment, dir, log, signal } = options;
  await using started = new AsyncDisposableStack();
  const stopLater = <P extends { stop(): Promise<void> | void }>(part: P): P => {
    started.defer(() => part.stop());
    return part;
  };
  const { region, stream } = deployment;
  const buckets = deployment.buckets.map(({ name }) => name);
  const shards = stream.shardCount ?? ON_DEMAND_SHARDS;
  const optional = { ...(signal && { signal }) };
  const parts = await Promise.allSettled([
    startKinesis({ streams: [{ name: stream.name, shards }], region, ...optional }).then(stopLater),
    startS3({ buckets, dataDir: join(dir, "s3"), ...optional }).then(stopLater),
  ]);
  const [kinesisPart, s3Part] = parts.map(valueOf);
  const deployedLoaders = loadersOf(deployment);
  const warehouses = await startWarehouses({
    loaders: deployedLoaders,
    region,
    dataDir: join(dir, WAREHOUSE),
    s3Endpoint: s3Part!.endpoint,
    onStatementEvent: (event) => schedules.put(event),
    beforeCommit: options.beforeCommit,
    signal,
  });
  started.defer(() => stopWarehouses(warehouses));
  const [warehouse] = warehouses.values();

  const environment = {
    AWS_REGION: region,
    AWS_ACCESS_KEY_ID: CREDENTIALS.accessKeyId,
    AWS_SECRET_ACCESS_KEY: CREDENTIALS.secretAccessKey,
    AWS_ENDPOINT_URL_KINESIS: kinesisPart!.endpoint,
    AWS_ENDPOINT_URL_S3: s3Part!.endpoint,
    ...(warehouse && { AWS_ENDPOINT_URL_REDSHIFT_DATA: warehouse.endpoint }),
  };
  const start = (
    role: Role,
    deployed: DeployedFunction,
    part: string = role,
    more: Readonly<Record<string, string>> = {},
  ): LambdaFunction =>
    stopLater(
      startFunction({
        ...deployed,
        timeoutMs: deployed.timeoutSeconds * 1_000,
        concurrency: deployed.reservedConcurrency ?? DEFAULT_CONCURRENCY,
        environment: { ...deployed.environment, ...environment, ...more, ...options.environment?.(role) },
        log: (line) => log(part, line),
        onResult: (error) => {
          if (role === "router") schedules.routed();
          options.onResult?.(part, error);
        },
        onIdleDeath: (how) => options.onIdleDeath?.(part, how),
        ...optional,
      }),
    );
  const router = start("router", deployment.functions.router);
  const loaders = deployedLoaders.map((deployed) => {
    const { name } = deployed;
    const own = { AWS_ENDPOINT_URL_REDSHIFT_DATA: warehouses.get(name)!.endpoint };
    return { deployed, function: start("loader", deployed.function, loaderPart(name), own) };
  });
  const sequencer = start("sequencer", deployment.functions.sequencer);
  const topic = stopLater(await startAlarmTopic((alarm) => options.onAlarm?.(alarm)));
  const fleet =
    deployment.functions.fleet &&
    start("fleet", deployment.functions.fleet, "fleet", { AWS_ENDPOINT_URL_SNS: topic.endpoint });
  const schedules = stopLater(startSchedules({ ...options, sequencer, loaders, fleet }));

  const s3 = new S3Client({
    endpoint: s3Part!.endpoint,
    region,
    credentials: CREDENTIALS,
    forcePathStyle: true,
  });
  started.defer(() => s3.destroy());
  const kinesis = new KinesisClient({
    endpoint: kinesisPart!.endpoint,
    region,
    credentials: CREDENTIALS,
    requestHandler: new NodeHttpHandler(),
  });
  started.defer(() => kinesis.destroy());
  const mapping = stopLater(await startDeployedMapping(options, router, kinesis, s3));

  const id = randomUUID();
  const functions = [router, invokedSequencer(sequencer, schedules), ...invokedLoaders(loaders, schedules)];
  const lambda = stopLater(await startInvokeApi({ id, functions, mappings: [mapping] }));
  const endpoints = { s3: s3Part!.endpoint, kinesis: kinesisPart!.endpoint, lambda: lambda.endpoint };
  stopLater(await announce(dir, cloudFile(id, deployment, endpoints, mapping.uuid)));
  const running = started.move();
  return {
    deployment,
    environment,
    kinesisEndpoint: kinesisPart!.endpoint,
    s3Endpoint: s3Part!.endpoint,
    lambdaEndpoint: lambda.endpoint,
    s3,
    mapping,
    router,
    sequencer,
    loader: loaders[0]?.function,
    fleet,
    schedules,
    warehouse,
    warehouses,
    stop: () => running.disposeAsync(),
  };
}

/** Who wants commits in the log now comes after a run that may have begun before they were there. */
const invokedSequencer = ({ name }: LambdaFunction, { sequencer }: Schedules): InvokedFunction => ({
  name,
  invoke: (payload) => sequencer.invoke(payload),
});

/** Commands wait for the loader's ticks, and ticks for them: S3 on this machine knows no conditions to tell two apart. */
function invokedLoaders(
  loaders: readonly { readonly deployed: DeployedLoader; readonly function: LambdaFunction }[],
  schedules: Schedules,
): InvokedFunction[] {
  return loaders.map(({ deployed, function: { name } }) => ({
    name,
    invoke: (payload) => schedules.loaders.get(deployed.name)!.invoke(payload),
  }));
}

function cloudFile(
  id: string,
  deployment: Deployment,
  endpoints: CloudFile["endpoints"],
  mappingId: string,
): CloudFile {
  const { region, lakeBucket, mapping, stream, functions } = deployment;
  const { router, sequencer } = functions;
  const loaders = new Map(
    loadersOf(deployment).map(({ name, function: { name: called } }) => [name, called]),
  );
  const loader = loaders.get(MAIN_WAREHOUSE);
  loaders.delete(MAIN_WAREHOUSE);
  return {
    version: 1,
    id,
    pid: process.pid,
    region,
    endpoints,
    buckets: { lake: lakeBucket, failures: mapping.failureDestinationBucket },
    stream: stream.name,
    mapping: mappingId,
    functions: {
      router: router.name,
      sequencer: sequencer.name,
      ...(loader !== undefined && { loader }),
      ...(loaders.size > 0 && { loaders: Object.fromEntries(loaders) }),
    },
  };
}

/** Removes what a stopped cloud kept in `dir`, and `dir` with it. */
export async function removeCloud(dir: string): Promise<void> {
  await removeWarehouses(join(dir, WAREHOUSE));
  await rm(dir, { recursive: true, force: true });
}

function startDeployedMapping(
  { deployment, batchingWindowSeconds, onMappingEvent, signal }: CloudOptions,
  router: LambdaFunction,
  kinesis: KinesisClient,
  s3: S3Client,
): Promise<Mapping> {
  const { mapping, stream } = deployment;
  return startMapping({
    kinesis,
    s3,
    streamName: stream.name,
    streamArn: stream.arn,
    functionArn: deployment.functions.router.arn,
    settings: { ...mapping, windowSeconds: batchingWindowSeconds ?? mapping.windowSeconds },
    invoke: (payload) => router.invoke(payload),
    ...(onMappingEvent && { onEvent: onMappingEvent }),
    ...(signal && { signal }),
  });
}

function valueOf<T>(result: PromiseSettledResult<T>): T {
  if (result.status === "rejected") throw result.reason;
  return result.value;
}
