import { CompositePrincipal, Role, ServicePrincipal } from "aws-cdk-lib/aws-iam";
import type { IKey } from "aws-cdk-lib/aws-kms";
import type { IBucket } from "aws-cdk-lib/aws-s3";
import type { Construct } from "constructs";
import { PREFIX } from "../wire/keys.ts";
import { keyUse } from "./encryption-key.ts";
import { allowListing, allowObjects } from "./object-access.ts";

/** What COPY reads: rows, and the manifests that name them. */
const READ = [PREFIX.data, PREFIX.loads];

export interface CopyRoleProps {
  readonly lake: IBucket;
  readonly key: IKey;
}

/** The warehouse's role. Serverless asks under either of the two names. */
export class CopyRole extends Role {
  constructor(scope: Construct, id: string, { lake, key }: CopyRoleProps) {
    super(scope, id, {
      description: "Weir warehouse: COPY reads the lake",
      assumedBy: new CompositePrincipal(
        new ServicePrincipal("redshift.amazonaws.com"),
        new ServicePrincipal("redshift-serverless.amazonaws.com"),
      ),
    });
    allowObjects(this, lake, ["s3:GetObject"], READ);
    allowListing(this, lake);
    this.addToPolicy(keyUse(key, "s3", ["kms:Decrypt"]));
  }
}
