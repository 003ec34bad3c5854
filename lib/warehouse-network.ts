import { Stack } from "aws-cdk-lib";
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
import type { CfnSubnet, IVpc } from "aws-cdk-lib/aws-ec2";
import type { IBucket } from "aws-cdk-lib/aws-s3";
import type { Construct } from "constructs";
import { subnetPrefixLength } from "../wire/subnet-size.ts";
import { networkCidr, zoneCount } from "../wire/warehouse-config.ts";
import type { NewServerlessConfig } from "../wire/warehouse-config.ts";

/** Redshift Serverless' own port, which a workgroup has unless it is given another. */
const REDSHIFT = Port.tcp(5439);

export interface WarehouseNetwork {
  readonly subnetIds: string[];
  readonly securityGroup: SecurityGroup;
}

/** Where a new workgroup lies: in a VPC of its own, or in one that exists. Nobody comes in who is not configured. */
export function warehouseNetwork(
  scope: Construct,
  config: NewServerlessConfig,
  accessLogs: IBucket,
): WarehouseNetwork {
  const { network, ingress } = config;
  if (network.kind === "existing") {
    // A security group takes no more of it than its id; the zones have to be some.
    const { availabilityZones } = Stack.of(scope);
    const vpc = Vpc.fromVpcAttributes(scope, "Vpc", { vpcId: network.vpcId, availabilityZones });
    return { subnetIds: network.subnetIds, securityGroup: warehouseGroup(scope, vpc, ingress) };
  }
  const vpc = isolatedVpc(scope, networkCidr(config), network.zones, accessLogs);
  return {
    subnetIds: vpc.isolatedSubnets.map(({ subnetId }) => subnetId),
    securityGroup: warehouseGroup(scope, vpc, ingress),
  };
}

/**
 * A subnet in each of some zones, and a route to S3 alone. Redshift Serverless wants two zones, and with enhanced VPC
 * routing three. The account's first ones are taken: not every account has a third.
 */
function isolatedVpc(
  scope: Construct,
  cidr: string,
  zones: number | readonly string[],
  accessLogs: IBucket,
): IVpc {
  const vpc = new Vpc(scope, "Vpc", {
    ipAddresses: IpAddresses.cidr(cidr),
    maxAzs: zoneCount(zones),
    natGateways: 0,
    subnetConfiguration: [
      {
        name: "Warehouse",
        subnetType: SubnetType.PRIVATE_ISOLATED,
        cidrMask: subnetPrefixLength(cidr),
      },
    ],
    gatewayEndpoints: { S3: { service: GatewayVpcEndpointAwsService.S3 } },
    // Emptying the default group takes a custom resource with a function of its own; nothing is in that group.
    restrictDefaultSecurityGroup: false,
  });
  if (typeof zones !== "number") {
    vpc.isolatedSubnets.forEach((subnet, i) => {
      const resource = subnet.node.defaultChild as CfnSubnet;
      resource.availabilityZone = undefined;
      resource.availabilityZoneId = zones[i];
    });
  }
  vpc.addFlowLog("Refused", {
    destination: FlowLogDestination.toS3(accessLogs, "vpc/"),
    trafficType: FlowLogTrafficType.REJECT,
  });
  return vpc;
}

/** In comes who is configured, to the warehouse's port. Out goes HTTPS, and in a VPC of ours the only route is to S3. */
function warehouseGroup(
  scope: Construct,
  vpc: IVpc,
  { cidrs, securityGroupIds }: NewServerlessConfig["ingress"],
): SecurityGroup {
  const group = new SecurityGroup(scope, "SecurityGroup", {
    vpc,
    description: "Weir warehouse: HTTPS out, to the S3 endpoint",
    allowAllOutbound: false,
  });
  group.addEgressRule(Peer.anyIpv4(), Port.HTTPS, "S3 gateway endpoint, the only route there is");
  for (const cidr of cidrs) group.addIngressRule(Peer.ipv4(cidr), REDSHIFT, "configured ingress");
  for (const id of securityGroupIds) {
    group.addIngressRule(Peer.securityGroupId(id), REDSHIFT, "configured ingress");
  }
  return group;
}
