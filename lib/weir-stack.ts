import { Annotations, CfnOutput, Fn, Stack } from "aws-cdk-lib";
import type { StackProps } from "aws-cdk-lib";
import type { Construct } from "constructs";
import type { WeirConfig } from "../wire/config.ts";
import { MAIN_WAREHOUSE, unusedWarehouses, warehousesOf } from "../wire/warehouses.ts";
import { AgentPolicy } from "./agent-policy.ts";
import { Alarms } from "./alarms.ts";
import { PipelineDashboard } from "./dashboard.ts";
import { deployedFunctions } from "./deployed-functions.ts";
import { encryptionKey } from "./encryption-key.ts";
import { ErasurePolicy } from "./erasure-policy.ts";
import { FailureBucket, FailureDestination } from "./failure-destination.ts";
import { lakeBucket } from "./lake.ts";
import { Loader } from "./loader.ts";
import { FleetWatch } from "./fleet-watch.ts";
import { logStream } from "./log-stream.ts";
import { AccessLogs } from "./private-bucket.ts";
import { NewWarehouse } from "./new-warehouse.ts";
import { OperatorPolicy } from "./operator-policy.ts";
import { Router } from "./router.ts";
import { Sequencer } from "./sequencer.ts";
import { WarehouseGuard } from "./warehouse-guard.ts";
import { stackProps } from "./stack-props.ts";
import { type Warehouse, warehouse } from "./warehouse.ts";

/** What is given here goes before what the configuration says of the stack: another synthesizer, for instance. */
export interface WeirStackProps extends StackProps {
  readonly config: WeirConfig;
}

/** Begins the ids of what belongs to a warehouse: nothing for the main one, `Archive` for one named `archive`. */
function idPrefix(warehouse: string): string {
  if (warehouse === MAIN_WAREHOUSE) return "";
  return `${warehouse[0]!.toUpperCase()}${warehouse.slice(1)}`;
}

/** The whole pipeline: stream, router, lake, and, unless rows stay in the lake, warehouses with a loader each. */
export class WeirStack extends Stack {
  constructor(scope: Construct, id: string, { config, ...props }: WeirStackProps) {
    super(scope, id, {
      description: "Weir: log files to S3 and Redshift through Kinesis, every byte accounted for",
      ...stackProps(config.stack),
      ...props,
    });
    // A dependency on a role and its policy states what a reference to the role says already. The CDK writes it so.
    this.templateOptions.metadata = { "cfn-lint": { config: { ignore_checks: ["W3005"] } } };
    const { keyArn } = config.stack;
    const key = encryptionKey(
      this,
      "Key",
      keyArn === undefined ? { kind: "new" } : { kind: "existing", keyArn },
    );
    const accessLogs = new AccessLogs(this, "AccessLogs");
    const { bucket } = config.lake;
    const lake = lakeBucket(
      this,
      "Lake",
      bucket ? { kind: "existing", ...bucket } : { kind: "new", key, accessLogs },
    );
    const stream = logStream(
      this,
      "Stream",
      config.stream.kind === "existing" ? config.stream : { ...config.stream, kind: "new", key },
    );
    const agents = new AgentPolicy(this, "AgentPolicy", { stream });

    const failures = new FailureBucket(this, "Failures", { key, accessLogs });
    const onFailure = new FailureDestination(failures);
    const router = new Router(this, "Router", { config, stream, lake, key, onFailure });

    const sequencer = new Sequencer(this, "Sequencer", { config, lake, key });

    const { logRetentionDays } = config.stack;
    const guard = new WarehouseGuard(this, "Guard", { config, key, logRetentionDays });
    const loaders = warehousesOf(config).map((named) => {
      const { name } = named;
      const prefix = idPrefix(name);
      const props = { ...named, lake, key, accessLogs, logRetentionDays };
      const target = warehouse(this, `${prefix}Warehouse`, props);
      if (target instanceof NewWarehouse) target.node.addDependency(guard);
      const loader = new Loader(this, `${prefix}Loader`, { config, lake, key, name, warehouse: target });
      loader.node.addDependency(guard);
      this.#warehouseOutputs(prefix, target, loader);
      return loader;
    });
    for (const name of unusedWarehouses(config)) {
      const warning = `no destination loads the warehouse "${name}", which is there all the same`;
      Annotations.of(this).addWarningV2(`weir:unused-warehouse-${name}`, warning);
    }

    const operators = new OperatorPolicy(this, "OperatorPolicy", {
      stream,
      lake,
      failures,
      key,
      invoked: [router.function, ...loaders.map((loader) => loader.function)],
      mapping: router.mapping,
    });

    const alarms = new Alarms(this, "Alarms", { config, key });
    const { topic } = alarms;
    const fleet = config.alarms.fleet.enabled
      ? new FleetWatch(this, "Fleet", { config, lake, key, topic })
      : undefined;

    const parts = { config, stream, router, sequencer, loaders, fleet };
    new PipelineDashboard(this, "Dashboard", { ...parts, alarms: alarms.watch(parts) });

    new CfnOutput(this, "StreamName", { value: stream.streamName, description: "agents write here" });
    new CfnOutput(this, "LakeBucket", { value: lake.bucketName, description: "rows and commits" });
    new CfnOutput(this, "FailureBucket", { value: failures.bucketName, description: "what to replay" });
    new CfnOutput(this, "AgentPolicyArn", {
      value: agents.managedPolicyArn,
      description: "attach to the role that agents run as",
    });
    new CfnOutput(this, "ErasurePolicyArn", {
      value: new ErasurePolicy(this, "ErasurePolicy", { lake }).managedPolicyArn,
      description: "attach to the role of who may erase lines for good, beside that for operators",
    });
    new CfnOutput(this, "OperatorPolicyArn", {
      value: operators.managedPolicyArn,
      description: "attach to the role that people run weir's commands as",
    });
    new CfnOutput(this, "RouterMapping", {
      value: router.mapping.eventSourceMappingId,
      description: "of the stream to the router",
    });
    new CfnOutput(this, "AlarmTopicArn", {
      value: topic.topicArn,
      description: "subscribe to the alarms here",
    });
    new CfnOutput(this, "KeyArn", {
      value: key.keyArn,
      description: "all that is encrypted is encrypted with it",
    });
    for (const { name, function: handler } of deployedFunctions(this)) {
      new CfnOutput(this, `${name}Function`, { value: handler.functionName });
      new CfnOutput(this, `${name}LogGroup`, { value: handler.logGroup.logGroupName });
    }
  }

  #warehouseOutputs(prefix: string, target: Warehouse, { databaseUser }: Loader): void {
    const description = "what the loader signs in to the warehouse as";
    new CfnOutput(this, `${prefix}LoaderDatabaseUser`, { value: databaseUser, description });
    new CfnOutput(this, `${prefix}Database`, { value: target.database });
    if (target.kind === "serverless")
      new CfnOutput(this, `${prefix}Workgroup`, { value: target.workgroupName });
    else new CfnOutput(this, `${prefix}Cluster`, { value: target.clusterIdentifier });
  }

  /**
   * The account's zones by their place, as many as a network may ask for. CDK itself would look them up where it knows
   * account and region, with credentials, and settle for two where it does not.
   */
  override get availabilityZones(): string[] {
    return [0, 1, 2, 3].map((zone) => Fn.select(zone, Fn.getAzs()));
  }
}
