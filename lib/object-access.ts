import { Stack, Validations } from "aws-cdk-lib";
import type { CfnElement } from "aws-cdk-lib";
import { PolicyStatement } from "aws-cdk-lib/aws-iam";
import type { IRole } from "aws-cdk-lib/aws-iam";
import type { IBucket } from "aws-cdk-lib/aws-s3";

/** Lets a role do these actions, and no others, on the objects under these prefixes. */
export function allowObjects(
  role: IRole,
  bucket: IBucket,
  actions: readonly string[],
  prefixes: readonly string[],
): void {
  const resources = prefixes.map((prefix) => bucket.arnForObjects(`${prefix}*`));
  role.addToPrincipalPolicy(new PolicyStatement({ actions: [...actions], resources }));
  const logicalId = Stack.of(bucket).getLogicalId(bucket.node.defaultChild as CfnElement);
  for (const prefix of prefixes) {
    Validations.of(role).acknowledge({
      id: `AwsSolutions-IAM5[Resource::<${logicalId}.Arn>/${prefix}*]`,
      reason: `${actions.join(", ")} on one prefix: its objects are named by what they hold, so not known beforehand`,
    });
  }
}

/**
 * Lets a role list a bucket. Without it, or with a condition on the prefix, S3 answers 403 for an object
 * that is not there, and 404 cannot be told from a refusal. source: S3 GetObject reference, read 2026-11
 */
export function allowListing(role: IRole, bucket: IBucket): void {
  role.addToPrincipalPolicy(
    new PolicyStatement({ actions: ["s3:ListBucket"], resources: [bucket.bucketArn] }),
  );
}
