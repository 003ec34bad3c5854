import { fileURLToPath } from "node:url";
import { fullDiff, ResourceImpact } from "@aws-cdk/cloudformation-diff";
import { expect, test } from "vitest";
import { loadConfig } from "../../lib/load-config.ts";
import type { WeirConfigInput } from "../../wire/config.ts";
import { type Release, release010, type WarehouseKind } from "./release.ts";
import { EXISTING_SERVERLESS, NEW_SERVERLESS, type Resource, Synthesized } from "./synth.ts";

/** Types whose resources hold what nobody can make again: data, a place in a stream, confirmed subscriptions. */
const STATEFUL = new Set([
  "AWS::KMS::Key",
  "AWS::Kinesis::Stream",
  "AWS::Lambda::EventSourceMapping",
  "AWS::Logs::LogGroup",
  "AWS::Redshift::Cluster",
  "AWS::RedshiftServerless::Namespace",
  "AWS::RedshiftServerless::Workgroup",
  "AWS::S3::Bucket",
  "AWS::SNS::Topic",
  "AWS::SQS::Queue",
]);

const LOSES = new Set([
  ResourceImpact.WILL_REPLACE,
  ResourceImpact.MAY_REPLACE,
  ResourceImpact.WILL_DESTROY,
  ResourceImpact.WILL_ORPHAN,
]);

interface CloudFormationTemplate {
  readonly Resources: Record<string, Resource>;
}

/**
 * What an update from one template to the other replaces or deletes of what holds state: a line for each, such as
 * `StreamF1A2B3C4 WILL_REPLACE`. Which properties replace is in CloudFormation's own registry of resource types.
 */
function losses(before: object, after: object): string[] {
  const found: string[] = [];
  fullDiff(before, after).resources.forEachDifference((logicalId, change) => {
    const type = change.oldResourceType;
    if (type !== undefined && STATEFUL.has(type) && LOSES.has(change.changeImpact)) {
      found.push(`${logicalId} ${change.changeImpact}`);
    }
  });
  return found;
}

const { templates }: Release = release010();

const sampleConfig = await loadConfig(fileURLToPath(new URL("../../weir.config.ts", import.meta.url)));

const noWarehouse: Partial<WeirConfigInput> = {
  warehouse: { kind: "none" },
  types: sampleConfig.types.map((type) => ({ ...type, destinations: [{ to: "s3" as const }] })),
};
const CONFIGS: Record<WarehouseKind, Partial<WeirConfigInput>> = {
  none: noWarehouse,
  "new-serverless": { warehouse: NEW_SERVERLESS },
  "existing-serverless": { warehouse: EXISTING_SERVERLESS },
};

test.each(Object.entries(CONFIGS))(
  "an upgrade of 0.1.0 with warehouse %s replaces and deletes nothing that holds state",
  (kind, config) => {
    const after = new Synthesized({ ...sampleConfig, ...config }).template.toJSON();
    expect(losses(templates[kind as WarehouseKind], after)).toEqual([]);
  },
);

test("an upgrade of 0.1.0 that keeps its network, as the guide says, changes no setting of the workgroup", () => {
  // Redshift takes one setting in each UpdateWorkgroup. Redshift Serverless API reference, read 2026-11
  const network = { kind: "new", zones: 3 } as const;
  const warehouse = { ...NEW_SERVERLESS, enhancedVpcRouting: true, network };
  const after = new Synthesized({ ...sampleConfig, warehouse }).template.toJSON();
  const changed: string[] = [];
  fullDiff(templates["new-serverless"], after).resources.forEachDifference((_, change) => {
    if (change.oldResourceType !== "AWS::RedshiftServerless::Workgroup") return;
    changed.push(...Object.keys(change.propertyUpdates));
  });
  expect(changed).toEqual([]);
});

/** A property of each type that CloudFormation cannot change in place. */
const CREATE_ONLY: Record<string, string> = {
  "AWS::Kinesis::Stream": "Name",
  "AWS::Lambda::EventSourceMapping": "EventSourceArn",
  "AWS::Logs::LogGroup": "LogGroupName",
  "AWS::RedshiftServerless::Namespace": "NamespaceName",
  "AWS::RedshiftServerless::Workgroup": "WorkgroupName",
  "AWS::S3::Bucket": "BucketName",
  "AWS::SNS::Topic": "TopicName",
  "AWS::SQS::Queue": "QueueName",
};

const released = templates["new-serverless"] as CloudFormationTemplate;
const stateful = Object.entries(released.Resources).filter(([, { Type }]) => STATEFUL.has(Type));

test.each(stateful.filter(([, { Type }]) => Type in CREATE_ONLY))(
  "a change that would replace %s is noticed",
  (logicalId, resource) => {
    const Properties = { ...resource.Properties, [CREATE_ONLY[resource.Type]!]: "another" };
    const after = {
      ...released,
      Resources: { ...released.Resources, [logicalId]: { ...resource, Properties } },
    };
    expect(losses(released, after)).toContainEqual(
      expect.stringMatching(`^${logicalId} (WILL|MAY)_REPLACE$`),
    );
  },
);

test.each(stateful)("another logical id for %s is noticed: it would be made anew, and empty", (logicalId) => {
  const { [logicalId]: resource, ...others } = released.Resources;
  const after = { ...released, Resources: { ...others, [`${logicalId}X`]: resource } };
  expect(losses(released, after)).toContainEqual(
    expect.stringMatching(`^${logicalId} WILL_(DESTROY|ORPHAN)$`),
  );
});
