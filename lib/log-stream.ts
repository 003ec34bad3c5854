import { Duration, RemovalPolicy, Validations } from "aws-cdk-lib";
import type { IKey } from "aws-cdk-lib/aws-kms";
import { Stream, StreamEncryption, StreamMode } from "aws-cdk-lib/aws-kinesis";
import type { Construct } from "constructs";
import type { WeirConfig } from "../wire/config.ts";

export interface LogStreamProps {
  readonly config: WeirConfig["stream"];
  readonly key: IKey;
}

/**
 * The stream is the buffer that replay reads, so it outlives the stack. Never service-managed (`AUTO`):
 * such streams take KPL aggregates but their consumers drop them.
 */
export class LogStream extends Stream {
  constructor(scope: Construct, id: string, { config, key }: LogStreamProps) {
    super(scope, id, {
      ...(config.mode === "on-demand"
        ? { streamMode: StreamMode.ON_DEMAND }
        : { streamMode: StreamMode.PROVISIONED, shardCount: config.mode.shards }),
      retentionPeriod: Duration.hours(config.retentionHours),
      encryption: StreamEncryption.KMS,
      encryptionKey: key,
      removalPolicy: RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE,
    });
    Validations.of(this).acknowledge({
      id: "AwsSolutions-KDS3",
      reason: "a key of our own can be audited and revoked; agents write seldom enough to pay its requests",
    });
  }
}
