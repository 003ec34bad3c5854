import { ArnFormat, Stack, Validations } from "aws-cdk-lib";
import { ManagedPolicy, PolicyStatement } from "aws-cdk-lib/aws-iam";
import type { IStream } from "aws-cdk-lib/aws-kinesis";
import type { IKey } from "aws-cdk-lib/aws-kms";
import type { EventSourceMapping, IFunction } from "aws-cdk-lib/aws-lambda";
import type { IBucket } from "aws-cdk-lib/aws-s3";
import type { Construct } from "constructs";
import { FAILURES_PREFIX, REPLAYED_PREFIX } from "../wire/failure-record.ts";
import { PREFIX } from "../wire/keys.ts";
import { allowKeyUse } from "./encryption-key.ts";
import { allowListing, allowObjects, findingText } from "./object-access.ts";

/** Of the lake, without those that are in another one. */
const FOLDERS = Object.values(PREFIX).filter(
  (folder, _, all) => !all.some((other) => other !== folder && folder.startsWith(other)),
);

export interface OperatorPolicyProps {
  readonly stream: IStream;
  readonly lake: IBucket;
  readonly failures: IBucket;
  /** Of the failure bucket. */
  readonly key: IKey;
  /** What may be invoked: commands of the loader, batches of the router. */
  readonly invoked: readonly IFunction[];
  /** What may be paused and resumed. */
  readonly mapping: EventSourceMapping;
}

/**
 * What the operator's commands need, and no more: they look at the stack, read stream, lake and metrics, stop and start
 * the router's mapping, file away failed batches that are in the lake, and have everything else done by the functions,
 * each with its own rights. Attach it to the role of people on duty.
 */
export class OperatorPolicy extends ManagedPolicy {
  constructor(scope: Construct, id: string, props: OperatorPolicyProps) {
    super(scope, id, { description: "Weir operators: read stream, lake and metrics, command the functions" });
    const { stream, lake, failures, key, invoked, mapping } = props;
    this.#allowStack();
    this.addStatements(
      new PolicyStatement({
        actions: ["lambda:InvokeFunction"],
        resources: invoked.map(({ functionArn }) => functionArn),
      }),
      new PolicyStatement({
        actions: ["lambda:GetEventSourceMapping", "lambda:UpdateEventSourceMapping"],
        resources: [mapping.eventSourceMappingArn],
      }),
      new PolicyStatement({
        actions: [
          "kinesis:DescribeStreamSummary",
          "kinesis:GetRecords",
          "kinesis:GetShardIterator",
          "kinesis:ListShards",
        ],
        resources: [stream.streamArn],
      }),
      // Metrics have no ARNs, and these actions no conditions.
      new PolicyStatement({
        actions: ["cloudwatch:GetMetricData", "cloudwatch:ListMetrics"],
        resources: ["*"],
      }),
    );
    Validations.of(this).acknowledge({
      id: "AwsSolutions-IAM5[Resource::*]",
      reason: "reading metrics takes no resources and no conditions",
    });
    allowKeyUse(this, stream.encryptionKey, "kinesis", ["kms:Decrypt"]);
    allowObjects(this, lake, ["s3:GetObject"], FOLDERS);
    allowListing(this, lake);
    allowKeyUse(this, lake.encryptionKey, "s3", ["kms:Decrypt"]);
    allowObjects(this, failures, ["s3:GetObject"], [FAILURES_PREFIX]);
    allowListing(this, failures);
    // A replayed batch is moved out of the way. The bucket has versions: what is deleted can be had back.
    allowObjects(this, failures, ["s3:DeleteObject"], [FAILURES_PREFIX]);
    allowObjects(this, failures, ["s3:PutObject"], [REPLAYED_PREFIX]);
    allowKeyUse(this, key, "s3", ["kms:GenerateDataKey"]);
    if (lake.encryptionKey !== key) allowKeyUse(this, key, "s3", ["kms:Decrypt"]);
  }

  /** The outputs of the stack, under whatever id it has by now. */
  #allowStack(): void {
    const stack = Stack.of(this);
    const arn = stack.formatArn({
      service: "cloudformation",
      resource: "stack",
      resourceName: `${stack.stackName}/*`,
      arnFormat: ArnFormat.SLASH_RESOURCE_NAME,
    });
    this.addStatements(new PolicyStatement({ actions: ["cloudformation:DescribeStacks"], resources: [arn] }));
    Validations.of(this).acknowledge({
      id: `AwsSolutions-IAM5[Resource::${findingText(stack.resolve(arn))}]`,
      reason:
        "one stack by its name: what follows it is CloudFormation's, and another one each time it is made",
    });
  }
}
