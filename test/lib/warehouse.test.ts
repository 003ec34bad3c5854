import { describe, expect, test } from "vitest";
import { EXISTING_SERVERLESS, NEW_SERVERLESS, PROVISIONED, Synthesized, show, statements } from "./synth.ts";

describe("a new warehouse", () => {
  const stack = new Synthesized({
    warehouse: { ...NEW_SERVERLESS, database: "logs", baseCapacityRpu: 16, maxCapacityRpu: 64 },
  });
  const { Properties: workgroup } = stack.one("WarehouseWorkgroup");
  const namespace = stack.one("WarehouseNamespace");

  test("speaks TLS only", () => {
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
      "s3:GetObject on <Lake>/erasures/*",
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
    expect(show(stack.one("LoaderHandlerFunction").Properties["Environment"])).toContain(
      "WEIR_LAKE_BUCKET=<Lake> WEIR_DATABASE=logs WEIR_WORKGROUP=<WarehouseWorkgroup> " +
        "WEIR_COPY_ROLE_ARN=<WarehouseCopyRole>",
    );
    expect(stack.grants("LoaderHandlerRole")).toContain(
      "redshift-data:BatchExecuteStatement on <WarehouseWorkgroup.Workgroup.WorkgroupArn>",
    );
  });
});

// Redshift exports to /aws/redshift/<namespace>/<type>, and makes a group that is missing, without a key and for ever.
// source: "Audit logging for Amazon Redshift Serverless", read 2026-11
describe("what the warehouse logs", () => {
  const stack = new Synthesized({ warehouse: NEW_SERVERLESS, stack: { logRetentionDays: 90 } });
  const namespace = stack.one("WarehouseNamespace");

  test.each(["userlog", "connectionlog", "useractivitylog"])("%s has a group, key and retention", (type) => {
    expect(namespace.Properties["LogExports"]).toContain(type);
    const group = Object.values(stack.all("AWS::Logs::LogGroup")).find(
      ({ Properties }) =>
        show(Properties["LogGroupName"]) ===
        `/aws/redshift/${show(namespace.Properties["NamespaceName"])}/${type}`,
    );
    expect(group?.Properties["RetentionInDays"]).toBe(90);
    expect(show(group?.Properties["KmsKeyId"])).toBe("<Key>");
  });

  test("finds its groups there, since it would make them otherwise", () => {
    const groups = Object.keys(stack.all("AWS::Logs::LogGroup")).filter((id) =>
      id.startsWith("WarehouseLog"),
    );
    expect(groups.length).toBe(3);
    for (const id of groups) expect(namespace.DependsOn?.some((needed) => needed.startsWith(id))).toBe(true);
  });
});

describe("a namespace that an earlier stack left", () => {
  const stack = new Synthesized({ warehouse: { ...NEW_SERVERLESS, namespace: "weir-1a2b3c4d" } });

  test("gets a workgroup, and is neither made nor changed", () => {
    expect(stack.all("AWS::RedshiftServerless::Namespace")).toEqual({});
    expect(stack.one("WarehouseWorkgroup").Properties["NamespaceName"]).toBe("weir-1a2b3c4d");
  });

  test("meets no name that it has already", () => {
    expect(show(stack.one("WarehouseWorkgroup").Properties["WorkgroupName"])).toContain("<AWS::StackId>");
    const named = Object.values(stack.all("AWS::Logs::LogGroup")).filter(
      ({ Properties }) => Properties["LogGroupName"] !== undefined,
    );
    expect(named).toEqual([]);
  });
});

describe.each([EXISTING_SERVERLESS, PROVISIONED])("a warehouse of kind $kind", (warehouse) => {
  const stack = new Synthesized({ warehouse });

  test("is used as it is: no network, no namespace, no COPY role", () => {
    for (const type of [
      "AWS::EC2::VPC",
      "AWS::EC2::SecurityGroup",
      "AWS::RedshiftServerless::Namespace",
      "AWS::RedshiftServerless::Workgroup",
      "AWS::Redshift::Cluster",
    ]) {
      expect(stack.all(type)).toEqual({});
    }
    expect(() => stack.one("WarehouseCopyRole")).toThrow("0 resources");
  });

  test("has a policy ready for its COPY role, with what COPY needs and nothing else", () => {
    expect(statements(stack.one("CopyPolicy").Properties["PolicyDocument"])).toEqual([
      "kms:Decrypt on <Key> if StringEquals=kms:ViaService=s3.<AWS::Region>.amazonaws.com",
      "s3:GetObject on <Lake>/data/*",
      "s3:GetObject on <Lake>/erasures/*",
      "s3:GetObject on <Lake>/loads/*",
      "s3:ListBucket on <Lake>",
    ]);
    expect(show(stack.template.findOutputs("CopyPolicyArn")["CopyPolicyArn"]!["Value"])).toBe("<CopyPolicy>");
  });
});

test("an existing workgroup is told by its name", () => {
  const stack = new Synthesized({ warehouse: EXISTING_SERVERLESS });
  expect(stack.template.findOutputs("Workgroup")).toMatchObject({ Workgroup: { Value: "analytics" } });
});

describe("a provisioned cluster", () => {
  const arn = "arn:<AWS::Partition>:redshift:<AWS::Region>:<AWS::AccountId>";

  /** The grants of the loader that concern Redshift's databases. */
  const grants = (dbUser?: string): string[] =>
    new Synthesized({ warehouse: { ...PROVISIONED, ...(dbUser !== undefined && { dbUser }) } })
      .grants("LoaderHandlerRole")
      .filter((grant) => grant.startsWith("redshift") && !grant.includes("statement-owner"));

  // source: actions and resources of Amazon Redshift and of its Data API, Service Authorization Reference, read 2026-11
  test("is signed in to as the loader's role, where no user is named", () => {
    expect(grants()).toEqual([
      `redshift-data:BatchExecuteStatement on ${arn}:cluster:reporting`,
      `redshift-data:ExecuteStatement on ${arn}:cluster:reporting`,
      `redshift:GetClusterCredentialsWithIAM on ${arn}:dbname:reporting/reports`,
    ]);
  });

  test("is signed in to as the user that is named", () => {
    expect(grants("loader")).toEqual([
      `redshift-data:BatchExecuteStatement on ${arn}:cluster:reporting`,
      `redshift-data:ExecuteStatement on ${arn}:cluster:reporting`,
      `redshift:GetClusterCredentials on ${arn}:dbname:reporting/reports`,
      `redshift:GetClusterCredentials on ${arn}:dbuser:reporting/loader`,
    ]);
  });

  test("is what the loader is told, and its user", () => {
    const stack = new Synthesized({ warehouse: { ...PROVISIONED, dbUser: "loader" } });
    expect(show(stack.one("LoaderHandlerFunction").Properties["Environment"])).toContain(
      "WEIR_LAKE_BUCKET=<Lake> WEIR_DATABASE=reports WEIR_CLUSTER=reporting WEIR_DB_USER=loader " +
        `WEIR_COPY_ROLE_ARN=${PROVISIONED.copyRoleArn}`,
    );
    expect(stack.template.findOutputs("Cluster")).toMatchObject({ Cluster: { Value: "reporting" } });
  });
});

test("without a warehouse there is neither loader nor its schedule nor a watch over them", () => {
  const stack = new Synthesized({ warehouse: { kind: "none" } });
  expect(Object.keys(stack.all("AWS::Lambda::Function"))).not.toContain("LoaderHandlerFunction");
  expect(Object.keys(stack.all("AWS::Scheduler::Schedule"))).toEqual([
    "SequencerTickSchedule",
    "FleetTickSchedule",
  ]);
  expect(stack.all("AWS::Events::Rule")).toEqual({});
  expect(Object.keys(stack.all("AWS::CloudWatch::Alarm"))).not.toContain("AlarmsLoadLag");
  expect(stack.template.findOutputs("Workgroup")).toEqual({});
});
