import { ManagedPolicy, PolicyStatement } from "aws-cdk-lib/aws-iam";
import type { IStream } from "aws-cdk-lib/aws-kinesis";
import type { IKey } from "aws-cdk-lib/aws-kms";
import type { Construct } from "constructs";
import { keyUse } from "./encryption-key.ts";

export interface AgentPolicyProps {
  readonly stream: IStream;
  readonly key: IKey;
}

/** All that an agent may do. Attach it to the instance role, task role or user that agents run as. */
export class AgentPolicy extends ManagedPolicy {
  constructor(scope: Construct, id: string, { stream, key }: AgentPolicyProps) {
    super(scope, id, {
      description: "Weir agents: write to the log stream",
      statements: [
        new PolicyStatement({
          actions: ["kinesis:PutRecords", "kinesis:DescribeStreamSummary", "kinesis:ListShards"],
          resources: [stream.streamArn],
        }),
        keyUse(key, "kinesis", ["kms:GenerateDataKey"]),
      ],
    });
  }
}
