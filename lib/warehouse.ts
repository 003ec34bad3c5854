import type { IKey } from "aws-cdk-lib/aws-kms";
import type { IBucket } from "aws-cdk-lib/aws-s3";
import type { Construct } from "constructs";
import type { WeirConfig } from "../wire/config.ts";
import { NewWarehouse } from "./new-warehouse.ts";

/** The workgroup that rows are loaded into. */
export interface Warehouse {
  readonly workgroupName: string;
  readonly workgroupArn: string;
  readonly database: string;
  /** Role that COPY reads the lake with. */
  readonly copyRoleArn: string;
}

export interface WarehouseProps {
  readonly config: WeirConfig["warehouse"];
  readonly lake: IBucket;
  readonly key: IKey;
  readonly accessLogs: IBucket;
}

/** @returns undefined when rows stay in the lake */
export function warehouse(
  scope: Construct,
  id: string,
  { config, ...props }: WarehouseProps,
): Warehouse | undefined {
  if (config.kind === "none") return undefined;
  if (config.kind === "new-serverless") return new NewWarehouse(scope, id, { config, ...props });
  const { workgroup: workgroupName, workgroupArn, database, copyRoleArn } = config;
  return { workgroupName, workgroupArn, database, copyRoleArn };
}
