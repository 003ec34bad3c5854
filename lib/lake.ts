import { Duration } from "aws-cdk-lib";
import { Key } from "aws-cdk-lib/aws-kms";
import { Bucket, StorageClass } from "aws-cdk-lib/aws-s3";
import type { IBucket } from "aws-cdk-lib/aws-s3";
import type { Construct } from "constructs";
import { PREFIX } from "../wire/keys.ts";
import { PrivateBucket, dataBucketProps } from "./private-bucket.ts";
import type { DataBucketProps } from "./private-bucket.ts";

interface NewLakeProps extends DataBucketProps {
  readonly kind: "new";
}

interface ExistingLakeProps {
  /** A bucket of the user's: its encryption, versions and life cycle are theirs. */
  readonly kind: "existing";
  readonly bucketName: string;
  /**
   * Key that the bucket encrypts with.
   *
   * @default one of S3's, for which nobody needs rights
   */
  readonly keyArn?: string;
}

export function lakeBucket(scope: Construct, id: string, props: NewLakeProps | ExistingLakeProps): IBucket {
  if (props.kind === "new") return new Lake(scope, id, props);
  const { bucketName, keyArn } = props;
  return Bucket.fromBucketAttributes(scope, id, {
    bucketName,
    ...(keyArn !== undefined && { encryptionKey: Key.fromKeyArn(scope, `${id}Key`, keyArn) }),
  });
}

/** Rows, rejects, commits and the loader's state. Keys: wire/keys.ts. */
class Lake extends PrivateBucket {
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
          // Rows are in data/ as well: what is erased there is not to last here.
          id: "drop-load-copies",
          prefix: PREFIX.loadCopies,
          expiration: Duration.days(30),
        },
        {
          // Saved every minute: what it was a day ago is of no use to anybody.
          id: "drop-old-fleet-states",
          prefix: PREFIX.fleet,
          noncurrentVersionExpiration: Duration.days(1),
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
