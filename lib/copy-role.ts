import { Aws } from "aws-cdk-lib";
import { CompositePrincipal, ManagedPolicy, Role, ServicePrincipal } from "aws-cdk-lib/aws-iam";
import type { IBucket } from "aws-cdk-lib/aws-s3";
import type { Construct } from "constructs";
import { PREFIX } from "../wire/keys.ts";
import { allowKeyUse } from "./encryption-key.ts";
import { allowListing, allowObjects } from "./object-access.ts";
import type { Grantee } from "./object-access.ts";

/** What COPY reads: rows, the manifests that name them, and places that were erased. */
const READ = [PREFIX.data, PREFIX.loads, PREFIX.erasures];

export interface CopyAccessProps {
  readonly lake: IBucket;
}

/**
 * Redshift says for whom it asks: as external id, the ARN of the database user who copies, whose last part differs
 * between the pages of its guide; and the account, as services should. Whatever it says has to name this
 * account. It cannot be made to leave it out, so a key that it does not send is not asked for: a condition on
 * one would refuse every COPY. source: "Restricting access to IAM roles", Amazon Redshift, read 2026-11
 */
const FOR_THIS_ACCOUNT = {
  StringEqualsIfExists: { "aws:SourceAccount": Aws.ACCOUNT_ID },
  StringLikeIfExists: { "sts:ExternalId": `arn:${Aws.PARTITION}:redshift:*:${Aws.ACCOUNT_ID}:dbuser:*` },
};

/** The warehouse's role. Serverless asks under either of the two names. */
export class CopyRole extends Role {
  constructor(scope: Construct, id: string, props: CopyAccessProps) {
    super(scope, id, {
      description: "Weir warehouse: COPY reads the lake",
      assumedBy: new CompositePrincipal(
        new ServicePrincipal("redshift.amazonaws.com", { conditions: FOR_THIS_ACCOUNT }),
        new ServicePrincipal("redshift-serverless.amazonaws.com", { conditions: FOR_THIS_ACCOUNT }),
      ),
    });
    allowCopy(this, props);
  }
}

/** The same access as a policy, for the role of a warehouse that is not ours. */
export class CopyPolicy extends ManagedPolicy {
  constructor(scope: Construct, id: string, props: CopyAccessProps) {
    super(scope, id, { description: "Weir: what COPY needs to read the lake" });
    allowCopy(this, props);
  }
}

function allowCopy(grantee: Grantee, { lake }: CopyAccessProps): void {
  allowObjects(grantee, lake, ["s3:GetObject"], READ);
  allowListing(grantee, lake);
  allowKeyUse(grantee, lake.encryptionKey, "s3", ["kms:Decrypt"]);
}
