import { Fn, RemovalPolicy, Stack } from "aws-cdk-lib";
import type { IKey } from "aws-cdk-lib/aws-kms";
import { LogGroup } from "aws-cdk-lib/aws-logs";
import { CfnNamespace, CfnWorkgroup } from "aws-cdk-lib/aws-redshiftserverless";
import type { IBucket } from "aws-cdk-lib/aws-s3";
import { Construct } from "constructs";
import type { NewServerlessConfig } from "../wire/warehouse-config.ts";
import { MAIN_WAREHOUSE } from "../wire/warehouses.ts";
import { CopyRole } from "./copy-role.ts";
import { logRetention } from "./log-retention.ts";
import type { AdminSecret, ServerlessWarehouse } from "./warehouse.ts";
import { warehouseNetwork } from "./warehouse-network.ts";

export interface NewWarehouseProps {
  readonly config: NewServerlessConfig;
  /** Name of the warehouse in the configuration. */
  readonly name: string;
  readonly lake: IBucket;
  readonly key: IKey;
  readonly accessLogs: IBucket;
  readonly logRetentionDays: number;
}

/** Settings that hold for every session. */
const SESSION_PARAMETERS = [
  { parameterKey: "require_ssl", parameterValue: "true" },
  { parameterKey: "enable_user_activity_logging", parameterValue: "true" },
];

/** What Redshift calls an administrator to whom nobody gives a name, as in a namespace from before. */
const ADMIN = "admin";

/** What Redshift tells of connections, users and statements. */
const LOG_EXPORTS = ["userlog", "connectionlog", "useractivitylog"];

/**
 * A Redshift Serverless workgroup in a network without a way out but to S3, and its namespace, unless there is one
 * already. The loader reaches it by the Data API, which needs no route to it. The namespace outlives the stack.
 */
export class NewWarehouse extends Construct implements ServerlessWarehouse {
  readonly kind = "serverless";
  readonly workgroupName: string;
  readonly workgroupArn: string;
  readonly namespaceName: string;
  readonly database: string;
  readonly copyRoleArn: string;
  readonly adminSecret: AdminSecret;
  readonly baseCapacityRpu: number;

  constructor(scope: Construct, id: string, props: NewWarehouseProps) {
    super(scope, id);
    const { config, name, lake, key, accessLogs } = props;
    const copyRole = new CopyRole(this, "CopyRole", { lake });
    const made = config.namespace === undefined ? this.#namespace(props, copyRole) : undefined;
    const namespace = made?.ref ?? config.namespace!;
    const { subnetIds, securityGroup } = warehouseNetwork(this, config, accessLogs);
    const workgroup = new CfnWorkgroup(this, "Workgroup", {
      workgroupName: uniqueName(this, name),
      namespaceName: namespace,
      baseCapacity: config.baseCapacityRpu,
      maxCapacity: config.maxCapacityRpu,
      publiclyAccessible: false,
      enhancedVpcRouting: config.enhancedVpcRouting,
      subnetIds,
      securityGroupIds: [securityGroup.securityGroupId],
      configParameters: SESSION_PARAMETERS,
    });

    this.workgroupName = workgroup.ref;
    this.workgroupArn = workgroup.attrWorkgroupWorkgroupArn;
    this.namespaceName = namespace;
    this.database = config.database;
    this.baseCapacityRpu = config.baseCapacityRpu;
    this.copyRoleArn = copyRole.roleArn;
    this.adminSecret = {
      // CloudFormation tells neither its ARN nor its name, which Redshift makes of these two. source:
      // aws-cloudformation/cloudformation-coverage-roadmap 2021, and ARNs that people have published, read 2026-11
      name: `redshift!${namespace}-${made?.attrNamespaceAdminUsername ?? ADMIN}`,
      keyArn: made ? key.keyArn : anyKey(this),
    };
  }

  #namespace(props: NewWarehouseProps, copyRole: CopyRole): CfnNamespace {
    const { config, key, logRetentionDays } = props;
    const name = uniqueName(this, props.name);
    const namespace = new CfnNamespace(this, "Namespace", {
      namespaceName: name,
      dbName: config.database,
      manageAdminPassword: true,
      adminPasswordSecretKmsKeyId: key.keyId,
      kmsKeyId: key.keyId,
      iamRoles: [copyRole.roleArn],
      defaultIamRoleArn: copyRole.roleArn,
      logExports: LOG_EXPORTS,
      finalSnapshotName: `${name}-final`,
    });
    namespace.applyRemovalPolicy(RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE);
    // Redshift logs to groups of these names, and makes those that are missing, without a key and for ever.
    // source: "Audit logging for Amazon Redshift Serverless", read 2026-11
    for (const type of LOG_EXPORTS) {
      const group = new LogGroup(this, `Log-${type}`, {
        logGroupName: `/aws/redshift/${name}/${type}`,
        encryptionKey: key,
        retention: logRetention(logRetentionDays),
        removalPolicy: RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE,
      });
      namespace.node.addDependency(group);
    }
    return namespace;
  }
}

/**
 * The service wants a name, and one that a retained namespace of an earlier stack does not hold: the stack's name, that
 * of another warehouse than the main one, and the first part of the stack's UUID. At most 62 characters, of 64.
 */
export function uniqueName(scope: Construct, warehouse: string): string {
  const { stackId, stackName } = Stack.of(scope);
  const uuid = Fn.select(2, Fn.split("/", stackId));
  const name = warehouse === MAIN_WAREHOUSE ? stackName : `${stackName}-${warehouse}`;
  return `${name.toLowerCase()}-${Fn.select(0, Fn.split("-", uuid))}`;
}

/** A namespace from before has its secret under the key of that time, which nobody tells. */
function anyKey(scope: Construct): string {
  const resourceName = "????????-????-????-????-????????????";
  return Stack.of(scope).formatArn({ service: "kms", resource: "key", resourceName });
}
