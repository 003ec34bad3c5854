import { ManagedPolicy, PolicyStatement } from "aws-cdk-lib/aws-iam";
import type { IStream } from "aws-cdk-lib/aws-kinesis";
import type { Construct } from "constructs";
import { Validations } from "aws-cdk-lib";
import { CLOUDWATCH_NAMESPACE } from "../wire/heartbeat.ts";
import { allowKeyUse } from "./encryption-key.ts";

export interface AgentPolicyProps {
  readonly stream: IStream;
}

/** All that an agent may do. Attach it to the instance role, task role or user that agents run as. */
export class AgentPolicy extends ManagedPolicy {
  constructor(scope: Construct, id: string, { stream }: AgentPolicyProps) {
    super(scope, id, {
      description: "Weir agents: write to the log stream, and tell CloudWatch how they are",
      statements: [
        new PolicyStatement({
          actions: ["kinesis:PutRecords", "kinesis:DescribeStreamSummary", "kinesis:ListShards"],
          resources: [stream.streamArn],
        }),
        // PutMetricData knows no resources; the namespace is what can be narrowed.
        new PolicyStatement({
          actions: ["cloudwatch:PutMetricData"],
          resources: ["*"],
          conditions: { StringEquals: { "cloudwatch:namespace": CLOUDWATCH_NAMESPACE } },
        }),
      ],
    });
    allowKeyUse(this, stream.encryptionKey, "kinesis", ["kms:GenerateDataKey"]);
    Validations.of(this).acknowledge({
      id: "AwsSolutions-IAM5[Resource::*]",
      reason: "PutMetricData takes no resources; the condition narrows it to the namespace of agents",
    });
  }
}
