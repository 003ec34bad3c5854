import { readFileSync } from "node:fs";
import { join } from "node:path";
import { LegacyStackSynthesizer } from "aws-cdk-lib";
import type { IStackSynthesizer } from "aws-cdk-lib";
import { Bucket } from "aws-cdk-lib/aws-s3";
import type { CfnBucket } from "aws-cdk-lib/aws-s3";
import { describe, expect, test } from "vitest";
import { WeirStack } from "../../lib/weir-stack.ts";
import { parseConfig } from "../../wire/config.ts";
import { EXISTING_SERVERLESS, NEW_SERVERLESS, PROVISIONED, app, show, weirStack } from "./synth.ts";
import type { Resource } from "./synth.ts";

test.each([{ kind: "none" } as const, NEW_SERVERLESS, EXISTING_SERVERLESS, PROVISIONED])(
  "the app passes every check, warnings included, with a warehouse of kind $kind",
  (warehouse) => {
    const { directory } = app({ warehouse }).synth();
    const report: unknown = JSON.parse(readFileSync(join(directory, "validation-report.json"), "utf8"));
    expect(report).toMatchObject({ pluginReports: [] });
  },
);

describe("synthesis fails", () => {
  test("on a template that CloudFormation would refuse", () => {
    const broken = app();
    const bucket = weirStack(broken).node.findChild("Lake").node.defaultChild as CfnBucket;
    bucket.addPropertyOverride("VersioningConfiguration.State", "Enabled");
    expect(() => broken.synth()).toThrow(/CloudFormation Validate/);
  });

  test("on a finding of AwsSolutions that nobody acknowledged", () => {
    const careless = app();
    expect(new Bucket(weirStack(careless), "Careless").node.path).toBe("Weir/Careless");
    expect(() => careless.synth()).toThrow(/AwsSolutions-S10/);
  });
});

// A stack whose creation failed is in ROLLBACK_COMPLETE, where all that can be done is to delete it; protection refuses
// that. source: "Protect CloudFormation stacks from being deleted", and "Stack status codes", read 2026-11
test("the stack is not protected at first, knows no account or region, and has no tags of its own to pass on", () => {
  const artifact = app({ warehouse: NEW_SERVERLESS }).synth().getStackByName("Weir");
  expect(artifact.terminationProtection ?? false).toBe(false);
  expect(artifact.environment).toMatchObject({ account: "unknown-account", region: "unknown-region" });
  expect(artifact.tags).toEqual({});
});

describe("the stack that is configured", () => {
  const artifact = app(
    {
      warehouse: NEW_SERVERLESS,
      stack: {
        name: "Logs",
        environment: "staging",
        account: "111122223333",
        region: "eu-west-1",
        terminationProtection: true,
        permissionsBoundary: "arn:aws:iam::111122223333:policy/boundary",
        bootstrapQualifier: "weir1",
        tags: { "cost-centre": "42" },
      },
    },
    { builtinCloudFormationValidation: false },
  )
    .synth()
    .getStackByName("Logs-staging");
  const resources = Object.values((artifact.template as { Resources: Record<string, Resource> }).Resources);

  test("has its name, its environment appended, and is protected where it should be", () => {
    expect(artifact.stackName).toBe("Logs-staging");
    expect(artifact.terminationProtection).toBe(true);
  });

  test("goes to that account and region, by the roles of that bootstrap stack", () => {
    expect(artifact.environment).toMatchObject({ account: "111122223333", region: "eu-west-1" });
    expect(artifact.assumeRoleArn).toContain("cdk-weir1-deploy-role-111122223333-eu-west-1");
  });

  test("needs no look-up in the account, though its region is known", () => {
    expect(artifact.assembly.manifest.missing ?? []).toEqual([]);
  });

  test("bounds every role", () => {
    const roles = resources.filter(({ Type }) => Type === "AWS::IAM::Role");
    expect(roles.length).toBeGreaterThan(3);
    for (const { Properties } of roles) {
      expect(Properties["PermissionsBoundary"]).toBe("arn:aws:iam::111122223333:policy/boundary");
    }
  });

  test("tags what it makes with its name and with what is configured", () => {
    const { Properties: stream } = resources.find(({ Type }) => Type === "AWS::Kinesis::Stream")!;
    expect(stream["Tags"]).toEqual([
      { Key: "cost-centre", Value: "42" },
      { Key: "weir", Value: "Logs-staging" },
    ]);
  });
});

test.each([
  [{ name: "weir_1" }, "stack.name: letters, digits and hyphens"],
  [{ environment: "-x" }, "stack.environment: letters, digits and hyphens"],
  [
    { name: "a".repeat(30), environment: "b".repeat(10) },
    "stack.name: with the environment it is longer than 40",
  ],
  [{ account: "1234" }, "stack.account: an account's twelve digits"],
  [{ region: "Ireland" }, "stack.region: a region's code"],
  [{ tags: { "aws:x": "y" } }, "stack.tags"],
  [{ logRetentionDays: 31 }, "stack.logRetentionDays"],
])("a stack that could not be deployed, %j, is refused with the field's name", (stack, problem) => {
  expect(() => app({ stack: stack as object })).toThrow(problem);
});

/** CloudFormation names a resource for the stack unless one of these says otherwise. */
const PHYSICAL_NAMES = [
  "AlarmName",
  "AliasName",
  "BucketName",
  "FunctionName",
  "LogGroupName",
  "ManagedPolicyName",
  "Name",
  "NamespaceName",
  "PolicyName",
  "QueueName",
  "RoleName",
  "StreamName",
  "TopicName",
  "WorkgroupName",
];

test("two stacks from one checkout have no name in common", () => {
  const names = ["staging", "production"].map((environment) => {
    const artifact = app(
      { warehouse: NEW_SERVERLESS, stack: { environment } },
      { builtinCloudFormationValidation: false },
    )
      .synth()
      .getStackByName(`Weir-${environment}`);
    const { Resources } = artifact.template as { Resources: Record<string, Resource> };
    return Object.values(Resources)
      .filter(({ Type }) => Type !== "AWS::IAM::Policy") // an inline policy's name is its role's matter
      .flatMap(({ Properties }) => PHYSICAL_NAMES.map((name) => Properties?.[name]))
      .filter((name) => name !== undefined)
      .map((name) => show(name))
      .filter((name) => !/<AWS::Stack|<[A-Z]\w*>/.test(name));
  });
  expect(names[0]!.filter((name) => names[1]!.includes(name))).toEqual([]);
});

test("what is retained has no physical name, so a second stack can stand beside what the first left", () => {
  const { template } = app({ warehouse: NEW_SERVERLESS }).synth().getStackArtifact("Weir") as {
    template: { Resources: Record<string, { DeletionPolicy?: string; Properties: object }> };
  };
  // What is kept by `Retain` is kept of a first deployment that failed, too. source: DeletionPolicy attribute, read 2026-11
  for (const { DeletionPolicy } of Object.values(template.Resources))
    expect(DeletionPolicy).not.toBe("Retain");
  const retained = Object.values(template.Resources).filter(
    ({ DeletionPolicy }) => DeletionPolicy === "RetainExceptOnCreate",
  );
  expect(retained.length).toBe(9);
  for (const { Properties } of retained) {
    const { NamespaceName, LogGroupName, ...others } = Properties as Record<string, unknown>;
    for (const name of ["Name", "BucketName", "AliasName"]) expect(others).not.toHaveProperty(name);
    // These take a name, which no other stack can have: the UUID of this one is in it.
    for (const name of [NamespaceName, LogGroupName].filter((name) => name !== undefined)) {
      expect(show(name)).toContain("<AWS::StackId>");
    }
  }
});

test("whoever makes the stack in an app of their own has the last word on synthesizer and environment", () => {
  const config = parseConfig(
    {
      stack: { region: "eu-west-1", terminationProtection: true },
      types: [{ name: "app", parse: { format: "json" }, columns: [{ name: "n", type: "bigint" }] }],
    },
    "test",
  );
  const stack = new WeirStack(app(), "Theirs", {
    config,
    synthesizer: new LegacyStackSynthesizer() as IStackSynthesizer,
    env: { region: "us-east-2" },
  });
  expect(stack.region).toBe("us-east-2");
  expect(stack.synthesizer).toBeInstanceOf(LegacyStackSynthesizer);
  expect(stack.terminationProtection).toBe(true);
});
