import { Stack, Validations } from "aws-cdk-lib";
import { PolicyStatement } from "aws-cdk-lib/aws-iam";
import type { IGrantable } from "aws-cdk-lib/aws-iam";
import type { IBucket } from "aws-cdk-lib/aws-s3";
import type { IConstruct } from "constructs";

/** A role, or a policy. */
export type Grantee = IConstruct & IGrantable;

/** Lets a role do these actions, and no others, on the objects under these prefixes. */
export function allowObjects(
  grantee: Grantee,
  bucket: IBucket,
  actions: readonly string[],
  prefixes: readonly string[],
): void {
  const resources = prefixes.map((prefix) => bucket.arnForObjects(`${prefix}*`));
  grantee.grantPrincipal.addToPrincipalPolicy(new PolicyStatement({ actions: [...actions], resources }));
  for (const resource of resources) {
    Validations.of(grantee).acknowledge({
      id: `AwsSolutions-IAM5[Resource::${findingText(Stack.of(grantee).resolve(resource))}]`,
      reason: `${actions.join(", ")} on one prefix: its objects are named by what they hold, so not known beforehand`,
    });
  }
}

/** A resource as cdk-nag names it in a finding: references stand in angle brackets. */
export function findingText(value: unknown): string {
  if (typeof value === "string") return value;
  const {
    Ref,
    "Fn::GetAtt": attribute,
    "Fn::Join": join,
  } = value as {
    readonly Ref?: string;
    readonly "Fn::GetAtt"?: readonly string[];
    readonly "Fn::Join"?: readonly [string, readonly unknown[]];
  };
  if (join) return join[1].map(findingText).join(join[0]);
  return `<${attribute?.join(".") ?? Ref}>`;
}

/**
 * Lets a role list a bucket. Without it, or with a condition on the prefix, S3 answers 403 for an object
 * that is not there, and 404 cannot be told from a refusal. source: S3 GetObject reference, read 2026-11
 */
export function allowListing(grantee: Grantee, bucket: IBucket): void {
  grantee.grantPrincipal.addToPrincipalPolicy(
    new PolicyStatement({ actions: ["s3:ListBucket"], resources: [bucket.bucketArn] }),
  );
}
