import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Bucket } from "aws-cdk-lib/aws-s3";
import type { CfnBucket } from "aws-cdk-lib/aws-s3";
import { describe, expect, test } from "vitest";
import { EXISTING_SERVERLESS, NEW_SERVERLESS, app, weirStack } from "./synth.ts";

test.each([{ kind: "none" } as const, NEW_SERVERLESS, EXISTING_SERVERLESS])(
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

test("the stack is protected, knows no account or region, and has no tags of its own to pass on", () => {
  const assembly = app({ warehouse: NEW_SERVERLESS }).synth();
  const artifact = assembly.getStackArtifact(weirStack(app()).artifactId);
  expect(artifact.terminationProtection).toBe(true);
  expect(artifact.environment).toMatchObject({ account: "unknown-account", region: "unknown-region" });
  expect(artifact.tags).toEqual({});
});

test("what is retained has no physical name, so a second stack can stand beside what the first left", () => {
  const { template } = app({ warehouse: NEW_SERVERLESS }).synth().getStackArtifact("Weir") as {
    template: { Resources: Record<string, { DeletionPolicy?: string; Properties: object }> };
  };
  const retained = Object.values(template.Resources).filter(
    ({ DeletionPolicy }) => DeletionPolicy === "Retain",
  );
  expect(retained.length).toBe(6);
  for (const { Properties } of retained) {
    const { NamespaceName, ...others } = Properties as { NamespaceName?: unknown };
    for (const name of ["Name", "BucketName", "AliasName"]) expect(others).not.toHaveProperty(name);
    if (NamespaceName !== undefined) expect(JSON.stringify(NamespaceName)).toContain("AWS::StackId");
  }
});
