import type {
  DlqDestinationConfig,
  IEventSourceDlq,
  IEventSourceMapping,
  IFunction,
} from "aws-cdk-lib/aws-lambda";
import type { IBucket } from "aws-cdk-lib/aws-s3";
import type { Construct } from "constructs";
import { FAILURES_PREFIX } from "../wire/failure-record.ts";
import { allowListing, allowObjects } from "./object-access.ts";
import { PrivateBucket, dataBucketProps } from "./private-bucket.ts";
import type { DataBucketProps } from "./private-bucket.ts";

/**
 * Batches that the mapping gave up on, with their records. After the stream's retention these are the
 * only copy, so nothing here expires: replay reads them, people delete them.
 */
export class FailureBucket extends PrivateBucket {
  constructor(scope: Construct, id: string, props: DataBucketProps) {
    super(scope, id, dataBucketProps("failures", props));
  }
}

/**
 * The same as CDK's S3OnFailureDestination, which grants read, write and delete on the whole bucket:
 * Lambda needs to list it and to put objects, no more.
 */
export class FailureDestination implements IEventSourceDlq {
  readonly #bucket: IBucket;

  constructor(bucket: IBucket) {
    this.#bucket = bucket;
  }

  bind(_mapping: IEventSourceMapping, handler: IFunction): DlqDestinationConfig {
    allowObjects(handler.role!, this.#bucket, ["s3:PutObject"], [FAILURES_PREFIX]);
    allowListing(handler.role!, this.#bucket);
    return { destination: this.#bucket.bucketArn };
  }
}
