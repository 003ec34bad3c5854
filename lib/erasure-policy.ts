import { ManagedPolicy, PolicyStatement } from "aws-cdk-lib/aws-iam";
import type { IBucket } from "aws-cdk-lib/aws-s3";
import type { Construct } from "constructs";
import { PREFIX } from "../wire/keys.ts";
import { allowKeyUse } from "./encryption-key.ts";
import { allowObjects } from "./object-access.ts";

/** Objects of lines, which an erasure replaces. */
const LINES = [PREFIX.data, PREFIX.rejected];

/**
 * What `weir erase` does beyond what operators may: it writes what is left of objects, and removes for good what that
 * replaces. Records of erasures can be added and not removed. For those alone who may decide on that; they need the
 * operators' policy beside it.
 */
export class ErasurePolicy extends ManagedPolicy {
  constructor(scope: Construct, id: string, { lake }: { readonly lake: IBucket }) {
    super(scope, id, {
      description: "Weir: erase lines from the lake for good, beside the policy for operators",
    });
    allowObjects(this, lake, ["s3:PutObject"], [...LINES, PREFIX.erasures]);
    allowObjects(this, lake, ["s3:DeleteObject", "s3:DeleteObjectVersion"], LINES);
    allowObjects(this, lake, ["s3:DeleteObject"], [`${PREFIX.erasures}open-`]);
    this.addStatements(
      new PolicyStatement({
        actions: ["s3:GetBucketVersioning", "s3:ListBucketVersions"],
        resources: [lake.bucketArn],
      }),
    );
    allowKeyUse(this, lake.encryptionKey, "s3", ["kms:Decrypt", "kms:GenerateDataKey"]);
  }
}
