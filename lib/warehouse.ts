import { CfnOutput } from "aws-cdk-lib";
import type { IKey } from "aws-cdk-lib/aws-kms";
import type { IBucket } from "aws-cdk-lib/aws-s3";
import type { Construct } from "constructs";
import type { NamedWarehouse } from "../wire/warehouses.ts";
import { CopyPolicy } from "./copy-role.ts";
import { NewWarehouse } from "./new-warehouse.ts";

interface AnyWarehouse {
  readonly database: string;
  /** Role that COPY reads the lake with. */
  readonly copyRoleArn: string;
}

export interface ServerlessWarehouse extends AnyWarehouse {
  readonly kind: "serverless";
  readonly workgroupName: string;
  readonly workgroupArn: string;
  /**
   * The secret of its administrator, who grants the loader its rights.
   *
   * @default somebody runs what `weir warehouse grants` prints
   */
  readonly adminSecret?: AdminSecret;
  /** What it runs with when somebody asks it, as far as it is known. */
  readonly baseCapacityRpu?: number | undefined;
}

export interface AdminSecret {
  readonly name: string;
  /** What it is encrypted with. */
  readonly keyArn: string;
}

export interface ProvisionedWarehouse extends AnyWarehouse {
  readonly kind: "provisioned";
  readonly clusterIdentifier: string;
  /**
   * Database user that the loader signs in as.
   *
   * @default the user that belongs to the loader's role
   */
  readonly dbUser?: string;
}

/** What rows are loaded into. */
export type Warehouse = ServerlessWarehouse | ProvisionedWarehouse;

export interface WarehouseProps extends NamedWarehouse {
  readonly lake: IBucket;
  readonly key: IKey;
  readonly accessLogs: IBucket;
  readonly logRetentionDays: number;
}

export function warehouse(scope: Construct, id: string, { config, ...props }: WarehouseProps): Warehouse {
  if (config.kind === "new-serverless") return new NewWarehouse(scope, id, { config, ...props });
  copyPolicy(scope, props.lake);
  const { database, copyRoleArn } = config;
  if (config.kind === "existing-serverless") {
    const { workgroup: workgroupName, workgroupArn, baseCapacityRpu } = config;
    return { kind: "serverless", workgroupName, workgroupArn, database, copyRoleArn, baseCapacityRpu };
  }
  const { cluster: clusterIdentifier, dbUser } = config;
  return { kind: "provisioned", clusterIdentifier, dbUser, database, copyRoleArn };
}

/** One for all of them: what they read is the same. */
function copyPolicy(scope: Construct, lake: IBucket): void {
  if (scope.node.tryFindChild("CopyPolicy") !== undefined) return;
  const { managedPolicyArn: value } = new CopyPolicy(scope, "CopyPolicy", { lake });
  new CfnOutput(scope, "CopyPolicyArn", {
    value,
    description: "attach to the role that COPY reads the lake with",
  });
}
