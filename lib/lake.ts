import { Duration } from "aws-cdk-lib";
import { StorageClass } from "aws-cdk-lib/aws-s3";
import type { Construct } from "constructs";
import { PREFIX } from "../wire/keys.ts";
import { PrivateBucket, dataBucketProps } from "./private-bucket.ts";
import type { DataBucketProps } from "./private-bucket.ts";

/** Rows, rejects, commits and the loader's state. Keys: wire/keys.ts. */
export class Lake extends PrivateBucket {
  constructor(scope: Construct, id: string, props: DataBucketProps) {
    super(scope, id, {
      ...dataBucketProps("lake", props),
      lifecycleRules: [
        {
          id: "cool-rows",
          prefix: PREFIX.data,
          transitions: [
            { storageClass: StorageClass.INTELLIGENT_TIERING, transitionAfter: Duration.days(30) },
          ],
        },
        {
          // A retried batch overwrites its objects with the same bytes; older versions are for accidents.
          id: "drop-old-versions",
          noncurrentVersionExpiration: Duration.days(30),
          abortIncompleteMultipartUploadAfter: Duration.days(7),
        },
      ],
    });
  }
}
