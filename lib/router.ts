import { fileURLToPath } from "node:url";
import { Duration } from "aws-cdk-lib";
import { PolicyStatement } from "aws-cdk-lib/aws-iam";
import type { IStream } from "aws-cdk-lib/aws-kinesis";
import type { IKey } from "aws-cdk-lib/aws-kms";
import { EventSourceMapping, MetricType, StartingPosition } from "aws-cdk-lib/aws-lambda";
import type { IEventSourceDlq, IFunction } from "aws-cdk-lib/aws-lambda";
import type { IBucket } from "aws-cdk-lib/aws-s3";
import { Construct } from "constructs";
import type { WeirConfig } from "../wire/config.ts";
import { PREFIX } from "../wire/keys.ts";
import { allowKeyUse } from "./encryption-key.ts";
import { handlerCode } from "./handler-code.ts";
import { HandlerFunction } from "./handler-function.ts";
import { allowListing, allowObjects } from "./object-access.ts";

const ENTRY = fileURLToPath(new URL("../lambdas/router/handler.ts", import.meta.url));

/** What the router writes; `loads/` is the loader's. */
const WRITTEN = [PREFIX.data, PREFIX.rejected, PREFIX.quarantine, PREFIX.commits];

/** What a reparse reads: lines without rows, and what erasures have left of them. */
const READ = [PREFIX.rejected, PREFIX.quarantine, PREFIX.erasures];

export interface RouterProps {
  readonly config: WeirConfig;
  readonly stream: IStream;
  readonly lake: IBucket;
  readonly key: IKey;
  readonly onFailure: IEventSourceDlq;
}

/** Stream to lake: the router's function and its event source mapping. */
export class Router extends Construct {
  readonly function: IFunction;
  readonly mapping: EventSourceMapping;

  constructor(scope: Construct, id: string, props: RouterProps) {
    super(scope, id);
    const { config, stream, lake, key } = props;
    const handler = new HandlerFunction(this, "Handler", {
      description: "Weir router: stream records to rows and commits in the lake",
      code: handlerCode(ENTRY, config),
      key,
      memoryMb: config.router.memoryMb,
      timeoutSeconds: config.router.timeoutSeconds,
      logRetentionDays: config.stack.logRetentionDays,
      environment: { WEIR_LAKE_BUCKET: lake.bucketName },
    });
    this.function = handler.function;

    handler.role.addToPolicy(
      new PolicyStatement({
        actions: [
          "kinesis:DescribeStream",
          "kinesis:DescribeStreamSummary",
          "kinesis:GetRecords",
          "kinesis:GetShardIterator",
          "kinesis:ListShards",
        ],
        resources: [stream.streamArn],
      }),
    );
    allowKeyUse(handler.role, stream.encryptionKey, "kinesis", ["kms:Decrypt"]);
    allowObjects(handler.role, lake, ["s3:PutObject"], WRITTEN);
    allowObjects(handler.role, lake, ["s3:GetObject"], READ);
    allowListing(handler.role, lake);
    // The lake may have a key of its own; the failure bucket has the stack's.
    allowKeyUse(handler.role, lake.encryptionKey, "s3", ["kms:Decrypt", "kms:GenerateDataKey"]);
    if (lake.encryptionKey !== key) allowKeyUse(handler.role, key, "s3", ["kms:GenerateDataKey"]);

    this.mapping = this.#map(props);
    // Lambda tries the role when the mapping is made, so its policy must stand by then.
    this.mapping.node.addDependency(handler.role);
  }

  /**
   * Maps the stream itself: a mapping of an enhanced fan-out consumer would de-aggregate first and lose
   * the place of each user record. Changing stream or starting position would replace the mapping, and
   * CloudFormation makes the new one before it removes the old: both are fixed.
   */
  #map({ config, stream, onFailure }: RouterProps): EventSourceMapping {
    return new EventSourceMapping(this, "Mapping", {
      target: this.function,
      eventSourceArn: stream.streamArn,
      startingPosition: StartingPosition.TRIM_HORIZON,
      batchSize: config.router.batchSize,
      maxBatchingWindow: Duration.seconds(config.router.batchingWindowSeconds),
      // With more, the batches of a shard interleave: see docs/decisions/0015-a-shards-batches-run-one-after-the-other.md.
      parallelizationFactor: 1,
      bisectBatchOnError: true,
      reportBatchItemFailures: true,
      retryAttempts: config.router.retryAttempts,
      maxRecordAge: Duration.seconds(config.router.maxRecordAgeSeconds),
      onFailure,
      metricsConfig: { metrics: [MetricType.EVENT_COUNT] },
    });
  }
}
