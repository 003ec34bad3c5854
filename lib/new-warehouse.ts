import { Fn, RemovalPolicy, Stack } from "aws-cdk-lib";
import {
  FlowLogDestination,
  FlowLogTrafficType,
  GatewayVpcEndpointAwsService,
  IpAddresses,
  Peer,
  Port,
  SecurityGroup,
  SubnetType,
  Vpc,
} from "aws-cdk-lib/aws-ec2";
import type { IVpc } from "aws-cdk-lib/aws-ec2";
import type { IKey } from "aws-cdk-lib/aws-kms";
import { CfnNamespace, CfnWorkgroup } from "aws-cdk-lib/aws-redshiftserverless";
import type { IBucket } from "aws-cdk-lib/aws-s3";
import { Construct } from "constructs";
import type { WeirConfig } from "../wire/config.ts";
import { CopyRole } from "./copy-role.ts";
import type { Warehouse } from "./warehouse.ts";

export interface NewWarehouseProps {
  readonly config: Extract<WeirConfig["warehouse"], { kind: "new-serverless" }>;
  readonly lake: IBucket;
  readonly key: IKey;
  readonly accessLogs: IBucket;
}

/** Settings that hold for every session. */
const SESSION_PARAMETERS = [
  { parameterKey: "require_ssl", parameterValue: "true" },
  { parameterKey: "enable_user_activity_logging", parameterValue: "true" },
];

/**
 * A Redshift Serverless namespace and workgroup in a network without a way out but to S3. The loader
 * reaches it by the Data API, which needs no route to it. The namespace outlives the stack.
 */
export class NewWarehouse extends Construct implements Warehouse {
  readonly workgroupName: string;
  readonly workgroupArn: string;
  readonly database: string;
  readonly copyRoleArn: string;

  constructor(scope: Construct, id: string, { config, lake, key, accessLogs }: NewWarehouseProps) {
    super(scope, id);
    const name = uniqueName(this);
    const copyRole = new CopyRole(this, "CopyRole", { lake, key });
    const namespace = new CfnNamespace(this, "Namespace", {
      namespaceName: name,
      dbName: config.database,
      manageAdminPassword: true,
      adminPasswordSecretKmsKeyId: key.keyId,
      kmsKeyId: key.keyId,
      iamRoles: [copyRole.roleArn],
      defaultIamRoleArn: copyRole.roleArn,
      logExports: ["userlog", "connectionlog", "useractivitylog"],
      finalSnapshotName: `${name}-final`,
    });
    namespace.applyRemovalPolicy(RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE);

    const vpc = isolatedVpc(this, accessLogs);
    const workgroup = new CfnWorkgroup(this, "Workgroup", {
      workgroupName: name,
      namespaceName: namespace.ref,
      baseCapacity: config.baseCapacityRpu,
      maxCapacity: config.maxCapacityRpu,
      publiclyAccessible: false,
      enhancedVpcRouting: true,
      subnetIds: vpc.isolatedSubnets.map(({ subnetId }) => subnetId),
      securityGroupIds: [onlyToS3(this, vpc).securityGroupId],
      configParameters: SESSION_PARAMETERS,
    });

    this.workgroupName = workgroup.ref;
    this.workgroupArn = workgroup.attrWorkgroupWorkgroupArn;
    this.database = config.database;
    this.copyRoleArn = copyRole.roleArn;
  }
}

/**
 * The service wants a name, and one that a retained namespace of an earlier stack does not hold:
 * `weir-` and the first part of the stack's own UUID.
 */
function uniqueName(scope: Construct): string {
  const uuid = Fn.select(2, Fn.split("/", Stack.of(scope).stackId));
  return `weir-${Fn.select(0, Fn.split("-", uuid))}`;
}

/** Redshift Serverless wants three subnets in three zones, with room to grow: 251 addresses in each. */
function isolatedVpc(scope: Construct, accessLogs: IBucket): IVpc {
  const vpc = new Vpc(scope, "Vpc", {
    ipAddresses: IpAddresses.cidr("10.83.0.0/22"),
    maxAzs: 3,
    natGateways: 0,
    subnetConfiguration: [{ name: "Warehouse", subnetType: SubnetType.PRIVATE_ISOLATED, cidrMask: 24 }],
    gatewayEndpoints: { S3: { service: GatewayVpcEndpointAwsService.S3 } },
    // Emptying the default group takes a custom resource with a function of its own; nothing is in that group.
    restrictDefaultSecurityGroup: false,
  });
  vpc.addFlowLog("Refused", {
    destination: FlowLogDestination.toS3(accessLogs, "vpc/"),
    trafficType: FlowLogTrafficType.REJECT,
  });
  return vpc;
}

/** Nobody comes in. Out goes HTTPS, and the only route is the S3 endpoint. */
function onlyToS3(scope: Construct, vpc: IVpc): SecurityGroup {
  const group = new SecurityGroup(scope, "SecurityGroup", {
    vpc,
    description: "Weir warehouse: HTTPS out, to the S3 endpoint",
    allowAllOutbound: false,
  });
  group.addEgressRule(Peer.anyIpv4(), Port.HTTPS, "S3 gateway endpoint, the only route there is");
  return group;
}
