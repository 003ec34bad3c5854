import * as z from "zod";
import { tableNamed } from "../../wire/loader-grants.ts";
import { databaseUser } from "../../wire/loader-role.ts";
import { MAIN_WAREHOUSE } from "../../wire/warehouses.ts";
import { readCloudAssembly } from "./cloud-assembly.ts";
import { DeployedResources } from "./deployed-resources.ts";
import type { DeployedResource } from "./deployed-resources.ts";
import type {
  DeployedFunction,
  DeployedLoader,
  DeployedMapping,
  DeployedSchedule,
  DeployedStream,
  DeployedWarehouse,
  Deployment,
} from "./deployment.ts";
import { TemplateError } from "./template-error.ts";

const stream = z.object({
  ShardCount: z.int().optional(),
  StreamModeDetails: z.object({ StreamMode: z.enum(["ON_DEMAND", "PROVISIONED"]) }),
  RetentionPeriodHours: z.int(),
});

const lambdaFunction = z.object({
  Code: z.object({ S3Key: z.string() }),
  Handler: z.string(),
  Role: z.string(),
  Timeout: z.int(),
  MemorySize: z.int(),
  Environment: z.object({ Variables: z.record(z.string(), z.string()) }),
  ReservedConcurrentExecutions: z.int().optional(),
});

/** All required: a default that Lambda fills in is a default that could differ here. */
const mapping = z.object({
  FunctionName: z.string(),
  EventSourceArn: z.string(),
  StartingPosition: z.enum(["TRIM_HORIZON", "LATEST"]),
  BatchSize: z.int(),
  MaximumBatchingWindowInSeconds: z.int(),
  /** The mapping host takes a shard's batches one after the other. */
  ParallelizationFactor: z.literal(1),
  BisectBatchOnFunctionError: z.boolean(),
  MaximumRetryAttempts: z.int(),
  MaximumRecordAgeInSeconds: z.int(),
  FunctionResponseTypes: z.array(z.string()),
  DestinationConfig: z.object({ OnFailure: z.object({ Destination: z.string() }) }),
});

const schedule = z.object({
  ScheduleExpression: z.string(),
  Target: z.object({ Arn: z.string(), Input: z.string() }),
});

/** Scheduler's rate(value unit); units in singular or plural. */
const RATE = /^rate\((\d+) (minute|hour|day)s?\)$/;
const SECONDS = { minute: 60, hour: 3_600, day: 86_400 } as const;

const rule = z.object({
  EventPattern: z.record(z.string(), z.unknown()),
  Targets: z.array(z.object({ Arn: z.string() })),
});

/** Read by lambdas/grants/request.ts as well. */
const loaderGrants = z.object({
  Workgroup: z.string(),
  Database: z.string(),
  User: z.string(),
  Tables: z.array(z.string()),
  Views: z.string().optional(),
});

const routerEnvironment = z.object({ WEIR_LAKE_BUCKET: z.string() });

const loaderEnvironment = z.object({
  WEIR_WORKGROUP: z.string().optional(),
  WEIR_CLUSTER: z.string().optional(),
  WEIR_DATABASE: z.string(),
  WEIR_DB_USER: z.string().optional(),
  WEIR_WAREHOUSE: z.string().default(MAIN_WAREHOUSE),
  WEIR_COPY_ROLE_ARN: z.string(),
});

export interface ReadDeploymentOptions {
  /** Twelve digits. */
  readonly account?: string;
  readonly region?: string;
}

/**
 * Reads what `cdk synth` wrote as the laptop cloud runs it. Names are the same on every start.
 *
 * @param cdkOut the cloud assembly's folder
 * @throws TemplateError naming the resource and property that cannot be had locally
 */
export function readDeployment(cdkOut: string, options: ReadDeploymentOptions = {}): Deployment {
  const { account = "000000000000", region = "us-east-1" } = options;
  const resources = new DeployedResources(readCloudAssembly(cdkOut), { account, region });
  const mapping = readMapping(resources);
  const router = readFunction(resources, mapping.functionLogicalId);
  const { sequencer, loaders, fleet } = readScheduled(resources);
  const [loader, ...otherLoaders] = loaders;
  return {
    account,
    region,
    stream: readStream(resources.one("AWS::Kinesis::Stream")),
    buckets: resources.all("AWS::S3::Bucket").map(({ logicalId, name }) => ({ logicalId, name })),
    lakeBucket: environment(router, routerEnvironment).WEIR_LAKE_BUCKET,
    functions: { router, sequencer: sequencer.function, loader: loader?.function, fleet: fleet?.function },
    mapping,
    schedules: { sequencer: sequencer.schedule, loader: loader?.schedule, fleet: fleet?.schedule },
    statementEvents: loader?.statementEvents,
    warehouse: loader?.warehouse,
    mainLoader: loader && { name: loader.name, grantedByHand: loader.grantedByHand },
    otherLoaders,
  };
}

function readStream(resource: DeployedResource): DeployedStream {
  const { ShardCount, StreamModeDetails, RetentionPeriodHours } = resource.read(stream);
  const { logicalId, name, arn } = resource;
  return {
    logicalId,
    name,
    arn,
    onDemand: StreamModeDetails.StreamMode === "ON_DEMAND",
    shardCount: ShardCount,
    retentionHours: RetentionPeriodHours,
  };
}

function readFunction(resources: DeployedResources, id: string): DeployedFunction {
  const resource = resources.called("AWS::Lambda::Function", id);
  const properties = resource.read(lambdaFunction);
  const { logicalId, name, arn } = resource;
  return {
    logicalId,
    name,
    arn,
    roleArn: properties.Role,
    assetDir: resources.assetPath(properties.Code.S3Key, logicalId),
    handler: properties.Handler,
    timeoutSeconds: properties.Timeout,
    memoryMb: properties.MemorySize,
    environment: properties.Environment.Variables,
    reservedConcurrency: properties.ReservedConcurrentExecutions,
  };
}

function readMapping(resources: DeployedResources): DeployedMapping {
  const resource = resources.one("AWS::Lambda::EventSourceMapping");
  const properties = resource.read(mapping);
  const { FunctionName, EventSourceArn, DestinationConfig } = properties;
  return {
    logicalId: resource.logicalId,
    functionLogicalId: resources.called("AWS::Lambda::Function", FunctionName).logicalId,
    streamName: resources.called("AWS::Kinesis::Stream", EventSourceArn).name,
    batchSize: properties.BatchSize,
    windowSeconds: properties.MaximumBatchingWindowInSeconds,
    bisect: properties.BisectBatchOnFunctionError,
    retryAttempts: properties.MaximumRetryAttempts,
    maxRecordAgeSeconds: properties.MaximumRecordAgeInSeconds,
    reportBatchItemFailures: properties.FunctionResponseTypes.includes("ReportBatchItemFailures"),
    startingPosition: properties.StartingPosition,
    failureDestinationBucket: resources.called("AWS::S3::Bucket", DestinationConfig.OnFailure.Destination)
      .name,
  };
}

interface Scheduled {
  readonly function: DeployedFunction;
  readonly schedule: DeployedSchedule;
}

/** The functions that run by the clock: loaders are told of a warehouse, and fleet watch of the topic for alarms. */
function readScheduled(resources: DeployedResources): {
  sequencer: Scheduled;
  loaders: DeployedLoader[];
  fleet: Scheduled | undefined;
} {
  const scheduled = resources.all("AWS::Scheduler::Schedule").map((resource) => {
    const schedule = readSchedule(resource);
    return { function: readFunction(resources, schedule.functionArn), schedule };
  });
  const {
    loader = [],
    fleet = [],
    sequencer = [],
  } = Object.groupBy(scheduled, ({ function: { environment } }) => {
    if ("WEIR_DATABASE" in environment) return "loader";
    return "WEIR_ALARM_TOPIC" in environment ? "fleet" : "sequencer";
  });
  if (sequencer.length !== 1) {
    const found = `${sequencer.length} scheduled functions without a warehouse`;
    throw new TemplateError("UNEXPECTED", `${found}, not one, the sequencer`);
  }
  if (fleet.length > 1) {
    throw new TemplateError("UNEXPECTED", `${fleet.length} scheduled functions that watch the fleet`);
  }
  const loaders = loader.map((one) => readLoader(one, resources));
  const isMain = ({ name }: DeployedLoader): boolean => name === MAIN_WAREHOUSE;
  return {
    sequencer: sequencer[0]!,
    loaders: loaders.sort((a, b) => Number(isMain(b)) - Number(isMain(a))),
    fleet: fleet[0],
  };
}

function readLoader(scheduled: Scheduled, resources: DeployedResources): DeployedLoader {
  const { arn } = scheduled.function;
  const found = resources
    .all("AWS::Events::Rule")
    .map((resource) => resource.read(rule))
    .filter(({ Targets }) => Targets.some(({ Arn }) => Arn === arn));
  if (found.length !== 1) {
    throw new TemplateError("UNEXPECTED", `${found.length} rules bring ${arn} back, not one`);
  }
  const variables = environment(scheduled.function, loaderEnvironment);
  const warehouse = readWarehouse(variables, resources);
  const user = variables.WEIR_DB_USER ?? databaseUser(scheduled.function.roleArn.split("/").at(-1)!);
  return {
    ...scheduled,
    name: variables.WEIR_WAREHOUSE,
    statementEvents: { pattern: found[0]!.EventPattern },
    warehouse,
    grantedByHand: warehouse.grants ? undefined : user,
  };
}

function readSchedule(resource: DeployedResource): DeployedSchedule {
  const { ScheduleExpression, Target } = resource.read(schedule);
  const [, value, unit] = RATE.exec(ScheduleExpression) ?? [];
  if (value === undefined) {
    throw new TemplateError(
      "UNEXPECTED",
      `${ScheduleExpression} is not a rate`,
      `${resource.logicalId}.ScheduleExpression`,
    );
  }
  return {
    logicalId: resource.logicalId,
    functionArn: Target.Arn,
    rateSeconds: Number(value) * SECONDS[unit as keyof typeof SECONDS],
    input: JSON.parse(Target.Input) as unknown,
  };
}

function readWarehouse(
  variables: z.output<typeof loaderEnvironment>,
  resources: DeployedResources,
): DeployedWarehouse {
  const { WEIR_CLUSTER: cluster, WEIR_WORKGROUP: workgroup = "", WEIR_DATABASE: database } = variables;
  const grants = resources
    .all("Custom::WeirLoaderGrants")
    .map((resource) => resource.read(loaderGrants))
    .find((grants) => grants.Workgroup === workgroup && grants.Database === database);
  return {
    target: cluster === undefined ? { workgroup } : { cluster },
    database,
    copyRoleArn: variables.WEIR_COPY_ROLE_ARN,
    grants: grants && {
      user: grants.User,
      database,
      tables: grants.Tables.map(tableNamed),
      views: grants.Views,
    },
  };
}

/** What the function was told is what runs beside it. */
function environment<S extends z.ZodObject>(deployed: DeployedFunction, schema: S): z.output<S> {
  const result = schema.safeParse(deployed.environment);
  if (result.success) return result.data;
  const { path, message } = result.error.issues[0]!;
  throw new TemplateError(
    "UNEXPECTED",
    message,
    `${deployed.logicalId}.Environment.Variables.${z.core.toDotPath(path)}`,
  );
}
