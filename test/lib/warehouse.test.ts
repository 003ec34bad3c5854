import { describe, expect, test } from "vitest";
import { EXISTING_SERVERLESS, NEW_SERVERLESS, Synthesized, show } from "./synth.ts";

describe("a new warehouse", () => {
  const stack = new Synthesized({
    warehouse: { ...NEW_SERVERLESS, database: "logs", baseCapacityRpu: 16, maxCapacityRpu: 64 },
  });
  const { Properties: workgroup } = stack.one("WarehouseWorkgroup");
  const namespace = stack.one("WarehouseNamespace");

  test("lies in three isolated subnets of three zones, without a gateway to anywhere", () => {
    expect(workgroup["SubnetIds"]).toHaveLength(3);
    const zones = Object.values(stack.all("AWS::EC2::Subnet")).map(({ Properties }) =>
      JSON.stringify(Properties["AvailabilityZone"]),
    );
    expect(new Set(zones).size).toBe(3);
    for (const type of ["AWS::EC2::InternetGateway", "AWS::EC2::NatGateway", "AWS::EC2::Route"]) {
      expect(stack.all(type)).toEqual({});
    }
  });

  test("reaches S3 by a gateway endpoint that every subnet routes to", () => {
    const endpoints = Object.values(stack.all("AWS::EC2::VPCEndpoint"));
    expect(endpoints).toHaveLength(1);
    expect(endpoints[0]!.Properties["VpcEndpointType"]).toBe("Gateway");
    expect(show(endpoints[0]!.Properties["ServiceName"])).toBe("com.amazonaws.<AWS::Region>.s3");
    expect(endpoints[0]!.Properties["RouteTableIds"]).toHaveLength(3);
    expect(workgroup["EnhancedVpcRouting"]).toBe(true);
  });

  test("lets nobody in: not public, no ingress, TLS only", () => {
    expect(workgroup["PubliclyAccessible"]).toBe(false);
    expect(stack.one("WarehouseSecurityGroup").Properties).not.toHaveProperty("SecurityGroupIngress");
    expect(stack.all("AWS::EC2::SecurityGroupIngress")).toEqual({});
    expect(workgroup["ConfigParameters"]).toContainEqual({
      ParameterKey: "require_ssl",
      ParameterValue: "true",
    });
  });

  test("has the configured capacity and database", () => {
    expect(workgroup).toMatchObject({ BaseCapacity: 16, MaxCapacity: 64 });
    expect(namespace.Properties["DbName"]).toBe("logs");
  });

  test("is encrypted with our key, its password too, which nobody has to know", () => {
    expect(show(namespace.Properties["KmsKeyId"])).toBe("<Key>");
    expect(namespace.Properties["ManageAdminPassword"]).toBe(true);
    expect(show(namespace.Properties["AdminPasswordSecretKmsKeyId"])).toBe("<Key>");
    expect(namespace.Properties).not.toHaveProperty("AdminUserPassword");
  });

  test("outlives the stack, and leaves a snapshot should it be deleted after all", () => {
    expect(namespace).toMatchObject({
      DeletionPolicy: "RetainExceptOnCreate",
      UpdateReplacePolicy: "Retain",
    });
    expect(show(namespace.Properties["FinalSnapshotName"])).toMatch(/^weir-.*-final$/);
  });

  test("carries no tag, since a changed tag would replace it", () => {
    expect(namespace.Properties).not.toHaveProperty("Tags");
    expect(workgroup).not.toHaveProperty("Tags");
    expect(stack.one("Stream").Properties["Tags"]).toEqual([{ Key: "weir", Value: "Weir" }]);
  });

  test("COPY may read rows and manifests, and nothing else", () => {
    expect(stack.grants("WarehouseCopyRole")).toEqual([
      "kms:Decrypt on <Key> if StringEquals=kms:ViaService=s3.<AWS::Region>.amazonaws.com",
      "s3:GetObject on <Lake>/data/*",
      "s3:GetObject on <Lake>/loads/*",
      "s3:ListBucket on <Lake>",
    ]);
    const trust = show(stack.one("WarehouseCopyRole").Properties["AssumeRolePolicyDocument"]);
    expect(trust).toContain("redshift.amazonaws.com");
    expect(trust).toContain("redshift-serverless.amazonaws.com");
    const statements = stack.one("WarehouseCopyRole").Properties["AssumeRolePolicyDocument"] as {
      readonly Statement: readonly { readonly Condition: unknown }[];
    };
    expect(statements.Statement.map(({ Condition }) => show(Condition))).toEqual([
      "StringEqualsIfExists=aws:SourceAccount=<AWS::AccountId> " +
        "StringLikeIfExists=sts:ExternalId=arn:<AWS::Partition>:redshift:*:<AWS::AccountId>:dbuser:*",
    ]);
    expect(show(namespace.Properties["IamRoles"])).toBe("<WarehouseCopyRole>");
    expect(show(namespace.Properties["DefaultIamRoleArn"])).toBe("<WarehouseCopyRole>");
  });

  test("is where the loader loads", () => {
    expect(show(stack.one("LoaderHandlerFunction").Properties["Environment"])).toBe(
      "Variables=WEIR_LAKE_BUCKET=<Lake> WEIR_DATABASE=logs WEIR_WORKGROUP=<WarehouseWorkgroup> " +
        "WEIR_COPY_ROLE_ARN=<WarehouseCopyRole>",
    );
    expect(stack.grants("LoaderHandlerRole")).toContain(
      "redshift-data:BatchExecuteStatement on <WarehouseWorkgroup.Workgroup.WorkgroupArn>",
    );
  });
});

test.each([
  [{ baseCapacityRpu: 12 }, "warehouse.baseCapacityRpu: 4, or a multiple of 8"],
  [{ baseCapacityRpu: 64, maxCapacityRpu: 32 }, "warehouse.maxCapacityRpu: below baseCapacityRpu"],
])("a capacity that the service would refuse, %j, is refused before anything is deployed", (rpu, problem) => {
  expect(() => new Synthesized({ warehouse: { ...NEW_SERVERLESS, ...rpu } })).toThrow(problem);
});

test("an existing workgroup is used as it is: no network, no namespace, no COPY role", () => {
  const stack = new Synthesized({ warehouse: EXISTING_SERVERLESS });
  for (const type of [
    "AWS::EC2::VPC",
    "AWS::RedshiftServerless::Namespace",
    "AWS::RedshiftServerless::Workgroup",
  ]) {
    expect(stack.all(type)).toEqual({});
  }
  expect(() => stack.one("WarehouseCopyRole")).toThrow("0 resources");
  expect(stack.template.findOutputs("Workgroup")).toMatchObject({ Workgroup: { Value: "analytics" } });
});

test("without a warehouse there is neither loader nor schedule nor a watch over them", () => {
  const stack = new Synthesized({ warehouse: { kind: "none" } });
  expect(Object.keys(stack.all("AWS::Lambda::Function"))).toEqual(["RouterHandlerFunction"]);
  expect(stack.all("AWS::Scheduler::Schedule")).toEqual({});
  expect(stack.all("AWS::Events::Rule")).toEqual({});
  expect(Object.keys(stack.all("AWS::CloudWatch::Alarm"))).not.toContain("AlarmsLoadLag");
  expect(stack.template.findOutputs("Workgroup")).toEqual({});
});
