import { describe, expect, test } from "vitest";
import type { WeirConfigInput } from "../../wire/config.ts";
import { NEW_SERVERLESS, Synthesized, app, show } from "./synth.ts";

type NewServerless = Extract<WeirConfigInput["warehouse"], { kind: "new-serverless" }>;

const stackOf = (warehouse: Partial<NewServerless> = {}): Synthesized =>
  new Synthesized({ warehouse: { ...NEW_SERVERLESS, ...warehouse } });

const subnetsOf = (stack: Synthesized): Record<string, unknown>[] =>
  Object.values(stack.all("AWS::EC2::Subnet")).map(({ Properties }) => Properties);

/**
 * Free addresses that each subnet must have with enhanced VPC routing, by RPU. Without it, three.
 * source: "Considerations when using Amazon Redshift Serverless", read 2026-11
 */
const FREE_ADDRESSES = [
  [4, 9],
  [8, 9],
  [16, 13],
  [32, 13],
  [64, 21],
  [128, 37],
  [256, 69],
  [512, 133],
  [1024, 261],
] as const;

/** AWS keeps five addresses of each subnet. source: "Subnet CIDR blocks", Amazon VPC, read 2026-11 */
const freeAddresses = (cidr: unknown): number => 2 ** (32 - Number(String(cidr).split("/")[1])) - 5;

describe("a new network", () => {
  // GetAZs answers with the zones where a default subnet is, and some accounts have two of them in us-west-1 or
  // eu-central-1. Selecting a third fails the deployment. source: Fn::GetAZs reference, read 2026-11
  test("has two subnets, in zones that every account has", () => {
    const stack = stackOf();
    expect(subnetsOf(stack).map(({ AvailabilityZone }) => show(AvailabilityZone))).toEqual([
      "Select(0 | GetAZs())",
      "Select(1 | GetAZs())",
    ]);
    expect(stack.one("WarehouseWorkgroup").Properties).toMatchObject({
      EnhancedVpcRouting: false,
      SubnetIds: { length: 2 },
    });
  });

  // With enhanced VPC routing three zones are wanted, without it two; the same page.
  test("has a third where COPY goes through it", () => {
    const stack = stackOf({ enhancedVpcRouting: true, network: { kind: "new", zones: 3 } });
    expect(new Set(subnetsOf(stack).map(({ AvailabilityZone }) => show(AvailabilityZone))).size).toBe(3);
    expect(stack.one("WarehouseWorkgroup").Properties).toMatchObject({
      EnhancedVpcRouting: true,
      SubnetIds: { length: 3 },
    });
  });

  test("lies in the zones whose ids are configured", () => {
    const stack = stackOf({ network: { kind: "new", zones: ["use1-az4", "use1-az6"] } });
    expect(
      subnetsOf(stack).map(({ AvailabilityZone, AvailabilityZoneId }) => [
        AvailabilityZone,
        AvailabilityZoneId,
      ]),
    ).toEqual([
      [undefined, "use1-az4"],
      [undefined, "use1-az6"],
    ]);
  });

  test.each(FREE_ADDRESSES)("has room in each subnet for %i RPU", (rpu, addresses) => {
    const capacity = { baseCapacityRpu: rpu, maxCapacityRpu: rpu };
    const routed = stackOf({ ...capacity, enhancedVpcRouting: true, network: { kind: "new", zones: 3 } });
    for (const { CidrBlock } of subnetsOf(routed)) {
      expect(freeAddresses(CidrBlock)).toBeGreaterThanOrEqual(addresses);
    }
    for (const { CidrBlock } of subnetsOf(stackOf(capacity))) {
      expect(freeAddresses(CidrBlock)).toBeGreaterThanOrEqual(3);
    }
  });

  test("has the configured range, and its subnets no address in common", () => {
    const cidrs = subnetsOf(stackOf({ network: { kind: "new", zones: 3, cidr: "10.7.4.0/24" } }));
    expect(cidrs.map(({ CidrBlock }) => CidrBlock)).toEqual(["10.7.4.0/26", "10.7.4.64/26", "10.7.4.128/26"]);
  });

  test("reaches S3 by a gateway endpoint that every subnet routes to, and nothing else", () => {
    const stack = stackOf();
    const [endpoint, ...others] = Object.values(stack.all("AWS::EC2::VPCEndpoint"));
    expect(others).toEqual([]);
    expect(endpoint!.Properties["VpcEndpointType"]).toBe("Gateway");
    expect(show(endpoint!.Properties["ServiceName"])).toBe("com.amazonaws.<AWS::Region>.s3");
    expect(endpoint!.Properties["RouteTableIds"]).toHaveLength(2);
    for (const type of ["AWS::EC2::InternetGateway", "AWS::EC2::NatGateway", "AWS::EC2::Route"]) {
      expect(stack.all(type)).toEqual({});
    }
  });
});

test("a VPC that exists gets a security group and nothing else", () => {
  const stack = stackOf({
    network: { kind: "existing", vpcId: "vpc-0a1b2c3d", subnetIds: ["subnet-0a000001", "subnet-0a000002"] },
  });
  for (const type of ["AWS::EC2::VPC", "AWS::EC2::Subnet", "AWS::EC2::VPCEndpoint", "AWS::EC2::FlowLog"]) {
    expect(stack.all(type)).toEqual({});
  }
  expect(stack.one("WarehouseSecurityGroup").Properties["VpcId"]).toBe("vpc-0a1b2c3d");
  expect(stack.one("WarehouseWorkgroup").Properties["SubnetIds"]).toEqual([
    "subnet-0a000001",
    "subnet-0a000002",
  ]);
});

// source: "Compute capacity for Amazon Redshift Serverless", read 2026-11
test.each([
  [4, "eu-north-1"],
  [8, "eu-central-2"],
  [512, "ap-northeast-1"],
  [544, "us-east-1"],
  [1_024, "eu-central-1"],
])("%i RPU is to be had in %s", (rpu, region) => {
  const warehouse = { ...NEW_SERVERLESS, baseCapacityRpu: rpu, maxCapacityRpu: rpu };
  const { Properties } = new Synthesized({ warehouse, stack: { region } }).one("WarehouseWorkgroup");
  expect(Properties).toMatchObject({ BaseCapacity: rpu, MaxCapacity: rpu });
});

describe("the warehouse's port", () => {
  test("is open to nobody", () => {
    const stack = stackOf();
    expect(stack.one("WarehouseWorkgroup").Properties["PubliclyAccessible"]).toBe(false);
    expect(stack.one("WarehouseSecurityGroup").Properties).not.toHaveProperty("SecurityGroupIngress");
    expect(stack.all("AWS::EC2::SecurityGroupIngress")).toEqual({});
  });

  // Port 5439 is a workgroup's unless it is given another. source: CreateWorkgroup reference, read 2026-11
  test("is open to whom the configuration names", () => {
    const stack = stackOf({
      ingress: { cidrs: ["10.1.0.0/16"], securityGroupIds: ["sg-0b1c2d3e4f5a6b7c8"] },
    });
    const port = { FromPort: 5439, ToPort: 5439, IpProtocol: "tcp" };
    expect(stack.one("WarehouseSecurityGroup").Properties["SecurityGroupIngress"]).toEqual([
      expect.objectContaining({ CidrIp: "10.1.0.0/16", ...port }),
      expect.objectContaining({ SourceSecurityGroupId: "sg-0b1c2d3e4f5a6b7c8", ...port }),
    ]);
  });
});

test.each<[string, Partial<NewServerless>, Partial<WeirConfigInput>, string]>([
  ["12 RPU", { baseCapacityRpu: 12 }, {}, "warehouse.baseCapacityRpu: 4, or a multiple of 8"],
  ["2 RPU", { baseCapacityRpu: 2 }, {}, "warehouse.baseCapacityRpu"],
  ["1,032 RPU", { baseCapacityRpu: 1_032, maxCapacityRpu: 1_032 }, {}, "warehouse.baseCapacityRpu"],
  [
    "a limit below the base",
    { baseCapacityRpu: 64, maxCapacityRpu: 32 },
    {},
    "warehouse.maxCapacityRpu: below baseCapacityRpu",
  ],
  [
    "1,024 RPU in Tokyo",
    { baseCapacityRpu: 1_024, maxCapacityRpu: 1_024 },
    { stack: { region: "ap-northeast-1" } },
    "warehouse.baseCapacityRpu: 1024 RPU is known to be had in us-east-1,",
  ],
  [
    "4 RPU in Zurich",
    { baseCapacityRpu: 4 },
    { stack: { region: "eu-central-2" } },
    "warehouse.baseCapacityRpu: 4 RPU is known to be had in us-east-1,",
  ],
  [
    "520 RPU: from 512 on, the step is 32",
    { baseCapacityRpu: 512, maxCapacityRpu: 520 },
    {},
    "warehouse.maxCapacityRpu: 4, or a multiple of 8, or over 512 of 32",
  ],
  [
    "enhanced VPC routing in two zones",
    { enhancedVpcRouting: true },
    {},
    "warehouse.network.zones: 2, and enhanced VPC routing wants 3",
  ],
  [
    "enhanced VPC routing in two subnets",
    {
      enhancedVpcRouting: true,
      network: { kind: "existing", vpcId: "vpc-0a1b2c3d", subnetIds: ["subnet-0a000001", "subnet-0a000002"] },
    },
    {},
    "warehouse.network.subnetIds: 2, and enhanced VPC routing wants 3",
  ],
  [
    "a range without the addresses for its capacity",
    {
      enhancedVpcRouting: true,
      maxCapacityRpu: 256,
      network: { kind: "new", zones: 3, cidr: "10.0.0.0/24" },
    },
    {},
    "warehouse.network.cidr: a subnet, a quarter of 10.0.0.0/24, has 59 free addresses, and 256 RPU need 69",
  ],
  [
    "one subnet",
    { network: { kind: "existing", vpcId: "vpc-0a1b2c3d", subnetIds: ["subnet-0a000001"] } },
    {},
    "subnetIds",
  ],
  [
    "a zone twice",
    { network: { kind: "new", zones: ["use1-az1", "use1-az1"] } },
    {},
    "warehouse.network.zones",
  ],
  [
    "the internet let in",
    { ingress: { cidrs: ["0.0.0.0/0"] } },
    {},
    "warehouse.ingress.cidrs[0]: a prefix of",
  ],
])(
  "what the service would refuse, or should, is refused before anything is deployed: %s",
  (_, warehouse, input, problem) => {
    expect(() => app({ ...input, warehouse: { ...NEW_SERVERLESS, ...warehouse } })).toThrow(problem);
  },
);
