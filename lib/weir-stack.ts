import { CfnOutput, Fn, Stack } from "aws-cdk-lib";
import type { StackProps } from "aws-cdk-lib";
import type { Construct } from "constructs";
import type { WeirConfig } from "../wire/config.ts";
import { AgentPolicy } from "./agent-policy.ts";
import { Alarms } from "./alarms.ts";
import { deployedFunctions } from "./deployed-functions.ts";
import { encryptionKey } from "./encryption-key.ts";
import { FailureBucket, FailureDestination } from "./failure-destination.ts";
import { lakeBucket } from "./lake.ts";
import { Loader } from "./loader.ts";
import { logStream } from "./log-stream.ts";
import { AccessLogs } from "./private-bucket.ts";
import { NewWarehouse } from "./new-warehouse.ts";
import { OperatorPolicy } from "./operator-policy.ts";
import { Router } from "./router.ts";
import { Sequencer } from "./sequencer.ts";
import { WarehouseGuard } from "./warehouse-guard.ts";
import { stackProps } from "./stack-props.ts";
import { warehouse } from "./warehouse.ts";

/** What is given here goes before what the configuration says of the stack: another synthesizer, for instance. */
export interface WeirStackProps extends StackProps {
  readonly config: WeirConfig;
}

/** The whole pipeline: stream, router, lake, and, unless rows stay in the lake, loader and warehouse. */
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

    const guard = new WarehouseGuard(this, "Guard", {
      config: config.warehouse,
      key,
      logRetentionDays: config.stack.logRetentionDays,
    });
    const target = warehouse(this, "Warehouse", {
      config: config.warehouse,
      lake,
      key,
      accessLogs,
      logRetentionDays: config.stack.logRetentionDays,
    });
    const loader = target && new Loader(this, "Loader", { config, lake, key, warehouse: target });
    if (target instanceof NewWarehouse) target.node.addDependency(guard);
    loader?.node.addDependency(guard);

    const operators = new OperatorPolicy(this, "OperatorPolicy", {
      stream,
      lake,
      failures,
      key,
      invoked: [router.function, ...(loader ? [loader.function] : [])],
    });

    const { topic } = new Alarms(this, "Alarms", { config, key, stream, router, sequencer, loader });

    new CfnOutput(this, "StreamName", { value: stream.streamName, description: "agents write here" });
    new CfnOutput(this, "LakeBucket", { value: lake.bucketName, description: "rows and commits" });
    new CfnOutput(this, "FailureBucket", { value: failures.bucketName, description: "what to replay" });
    new CfnOutput(this, "AgentPolicyArn", {
      value: agents.managedPolicyArn,
      description: "attach to the role that agents run as",
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
    if (loader) {
      const description = "what the loader signs in to the warehouse as";
      new CfnOutput(this, "LoaderDatabaseUser", { value: loader.databaseUser, description });
    }
    if (target) new CfnOutput(this, "Database", { value: target.database });
    if (target?.kind === "serverless") new CfnOutput(this, "Workgroup", { value: target.workgroupName });
    if (target?.kind === "provisioned") new CfnOutput(this, "Cluster", { value: target.clusterIdentifier });
  }

  /**
   * The account's zones by their place, as many as a network may ask for. CDK itself would look them up where it knows
   * account and region, with credentials, and settle for two where it does not.
   */
  override get availabilityZones(): string[] {
    return [0, 1, 2, 3].map((zone) => Fn.select(zone, Fn.getAzs()));
  }
}
