import type { GrantsRequest } from "../../wire/loader-grants.ts";
import type { MappingSettings } from "../mapping/settings.ts";

/** What the laptop cloud runs: the synthesized stack, with every reference resolved to a local name. */
export interface Deployment {
  readonly account: string;
  readonly region: string;
  readonly stream: DeployedStream;
  readonly buckets: readonly DeployedBucket[];
  /** Name of the bucket that the router writes to. */
  readonly lakeBucket: string;
  readonly functions: {
    readonly router: DeployedFunction;
    readonly sequencer: DeployedFunction;
    /** Not deployed when rows stay in the lake. */
    readonly loader: DeployedFunction | undefined;
    /** Not deployed where fleet watch is turned off. */
    readonly fleet: DeployedFunction | undefined;
  };
  readonly mapping: DeployedMapping;
  /** Schedules of the functions that run by the clock. */
  readonly schedules: {
    readonly sequencer: DeployedSchedule;
    readonly loader: DeployedSchedule | undefined;
    readonly fleet: DeployedSchedule | undefined;
  };
  /** EventBridge's pattern of the events that invoke the loader. */
  readonly statementEvents: { readonly pattern: Readonly<Record<string, unknown>> } | undefined;
  readonly warehouse: DeployedWarehouse | undefined;
  readonly mainLoader: Pick<DeployedLoader, "name" | "grantedByHand"> | undefined;
  /** Loaders of further warehouses: the one above is the main one's, or the first. */
  readonly otherLoaders: readonly DeployedLoader[];
}

/** Every loader, the main warehouse's first. */
export function loadersOf(deployment: Deployment): DeployedLoader[] {
  const { mainLoader, functions, schedules, statementEvents, warehouse, otherLoaders } = deployment;
  const [handler, schedule] = [functions.loader, schedules.loader];
  if (!mainLoader || !handler || !schedule || !statementEvents || !warehouse) return [];
  return [{ ...mainLoader, function: handler, schedule, statementEvents, warehouse }, ...otherLoaders];
}

/** A loader, what invokes it, and the warehouse that it loads. */
export interface DeployedLoader {
  /** Of the warehouse, in the configuration. */
  readonly name: string;
  readonly function: DeployedFunction;
  readonly schedule: DeployedSchedule;
  readonly statementEvents: { readonly pattern: Readonly<Record<string, unknown>> };
  readonly warehouse: DeployedWarehouse;
  /** Its user, where its rights are given by somebody else's administrator. */
  readonly grantedByHand: string | undefined;
}

export interface DeployedStream {
  readonly logicalId: string;
  readonly name: string;
  readonly arn: string;
  readonly onDemand: boolean;
  /** Undefined on demand. */
  readonly shardCount: number | undefined;
  readonly retentionHours: number;
}

export interface DeployedBucket {
  readonly logicalId: string;
  readonly name: string;
}

export interface DeployedFunction {
  readonly logicalId: string;
  readonly name: string;
  readonly arn: string;
  readonly roleArn: string;
  /** Absolute path of the unpacked code. */
  readonly assetDir: string;
  /** `<module>.<export>` */
  readonly handler: string;
  readonly timeoutSeconds: number;
  readonly memoryMb: number;
  readonly environment: Readonly<Record<string, string>>;
  /** Undefined without a limit of its own. */
  readonly reservedConcurrency: number | undefined;
}

/** Every property of the event source mapping. */
export interface DeployedMapping extends MappingSettings {
  readonly logicalId: string;
  readonly functionLogicalId: string;
  readonly streamName: string;
  /** Name of the bucket. */
  readonly failureDestinationBucket: string;
}

export interface DeployedSchedule {
  readonly logicalId: string;
  readonly functionArn: string;
  readonly rateSeconds: number;
  /** Payload of each invocation. */
  readonly input: unknown;
}

export interface DeployedWarehouse {
  readonly target: { readonly workgroup: string } | { readonly cluster: string };
  readonly database: string;
  readonly copyRoleArn: string;
  /** What the loader is granted at deployment; undefined where somebody else's administrator does it. */
  readonly grants: GrantsRequest | undefined;
}
