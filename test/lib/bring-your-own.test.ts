import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import type { WeirConfigInput } from "../../wire/config.ts";
import { withStandIns } from "../../lib/stand-ins.ts";
import { weirApp } from "../../lib/weir-app.ts";
import { readDeployment } from "../../local/template/read-deployment.ts";
import { parseConfig } from "../../wire/config.ts";
import { NEW_SERVERLESS, PROVISIONED, Synthesized, TYPES, app, show, statements } from "./synth.ts";

const KEYS = ["stack", "stream", "lake"];
const keyId = (name: string): string =>
  `1234abcd-12ab-34cd-56ef-${String(KEYS.indexOf(name)).padStart(12, "0")}`;
const arn = (name: string): string => `arn:aws:kms:eu-west-1:111122223333:key/${keyId(name)}`;

/** Everything that may be the user's, with keys of their own. */
const THEIRS: Partial<WeirConfigInput> = {
  stack: { keyArn: arn("stack") },
  stream: { kind: "existing", name: "their-stream", keyArn: arn("stream") },
  lake: { bucket: { bucketName: "their-lake", keyArn: arn("lake") } },
  alarms: { topicArn: "arn:aws:sns:eu-west-1:111122223333:their-topic", email: "on-call@example.com" },
  warehouse: {
    ...NEW_SERVERLESS,
    network: {
      kind: "existing",
      vpcId: "vpc-0a1b2c3d",
      subnetIds: ["subnet-0a000001", "subnet-0a000002"],
    },
  },
};

const stack = new Synthesized(THEIRS);
const viaS3 = "if StringEquals=kms:ViaService=s3.<AWS::Region>.amazonaws.com";
const viaKinesis = "if StringEquals=kms:ViaService=kinesis.<AWS::Region>.amazonaws.com";

test("what is the user's is not made", () => {
  for (const type of ["AWS::KMS::Key", "AWS::Kinesis::Stream", "AWS::SNS::Topic", "AWS::EC2::VPC"]) {
    expect(stack.all(type)).toEqual({});
  }
  expect(Object.keys(stack.all("AWS::S3::Bucket")).sort()).toEqual(["AccessLogs", "Failures"]);
});

test("the app passes every check, warnings included", () => {
  const { directory } = app(THEIRS).synth();
  const report: unknown = JSON.parse(readFileSync(join(directory, "validation-report.json"), "utf8"));
  expect(report).toMatchObject({ pluginReports: [] });
});

describe("a stream of the user's", () => {
  const streamArn = "arn:<AWS::Partition>:kinesis:<AWS::Region>:<AWS::AccountId>:stream/their-stream";

  test("is read by the router, from its beginning, and named in the outputs", () => {
    expect(show(stack.one("RouterMapping").Properties["EventSourceArn"])).toBe(streamArn);
    expect(stack.one("RouterMapping").Properties["StartingPosition"]).toBe("TRIM_HORIZON");
    expect(show(stack.template.findOutputs("StreamName")["StreamName"]!["Value"])).toBe("their-stream");
    expect(stack.grants("RouterHandlerRole")).toContain(`kinesis:GetRecords on ${streamArn}`);
  });

  test("is opened with its key by router and agents, each by what it does", () => {
    expect(stack.grants("RouterHandlerRole")).toContain(`kms:Decrypt on ${arn("stream")} ${viaKinesis}`);
    expect(statements(stack.one("AgentPolicy").Properties["PolicyDocument"])).toContain(
      `kms:GenerateDataKey on ${arn("stream")} ${viaKinesis}`,
    );
  });

  test("without a key needs no right to one", () => {
    const plain = new Synthesized({ stream: { kind: "existing", name: "their-stream" } });
    const agents = statements(plain.one("AgentPolicy").Properties["PolicyDocument"]);
    expect(agents.filter((grant) => grant.startsWith("kms:"))).toEqual([]);
    // Its other right to decrypt is for objects of the lake.
    const router = plain.grants("RouterHandlerRole").filter((grant) => grant.startsWith("kms:Decrypt"));
    expect(router.filter((grant) => !grant.includes("kms:ViaService=s3."))).toEqual([]);
  });
});

describe("a bucket of the user's", () => {
  const bucket = "arn:<AWS::Partition>:s3:::their-lake";

  test("is where router and loader write, with its key", () => {
    for (const id of ["RouterHandlerFunction", "LoaderHandlerFunction"]) {
      expect(show(stack.one(id).Properties["Environment"])).toContain("WEIR_LAKE_BUCKET=their-lake");
    }
    expect(stack.grants("RouterHandlerRole")).toEqual(
      expect.arrayContaining([
        `s3:PutObject on ${bucket}/commits/*`,
        `kms:GenerateDataKey on ${arn("lake")} ${viaS3}`,
        // Batches that were given up go to the failure bucket, which is the stack's.
        `kms:GenerateDataKey on ${arn("stack")} ${viaS3}`,
      ]),
    );
    expect(stack.grants("LoaderHandlerRole")).toContain(`kms:Decrypt on ${arn("lake")} ${viaS3}`);
  });

  test("is what COPY reads", () => {
    expect(stack.grants("WarehouseCopyRole")).toEqual([
      `kms:Decrypt on ${arn("lake")} ${viaS3}`,
      `s3:GetObject on ${bucket}/data/*`,
      `s3:GetObject on ${bucket}/erasures/*`,
      `s3:GetObject on ${bucket}/loads/*`,
      `s3:ListBucket on ${bucket}`,
    ]);
  });
});

test("a key of the user's encrypts the failure bucket, the log groups, and the namespace", () => {
  expect(show(stack.one("Failures").Properties["BucketEncryption"])).toContain(arn("stack"));
  for (const { Properties } of Object.values(stack.all("AWS::Logs::LogGroup"))) {
    expect(Properties["KmsKeyId"]).toBe(arn("stack"));
  }
  expect(stack.one("WarehouseNamespace").Properties["KmsKeyId"]).toBe(keyId("stack"));
});

test("a topic of the user's hears the alarms, and the subscription is made there", () => {
  const topic = "arn:aws:sns:eu-west-1:111122223333:their-topic";
  for (const { Properties } of Object.values(stack.all("AWS::CloudWatch::Alarm"))) {
    expect(Properties["AlarmActions"] ?? [topic]).toEqual([topic]);
  }
  const [subscription] = Object.values(stack.all("AWS::SNS::Subscription"));
  expect(subscription!.Properties).toMatchObject({ TopicArn: topic, Endpoint: "on-call@example.com" });
});

test("every function's log group is kept for as long as is configured", () => {
  const kept = new Synthesized({ warehouse: NEW_SERVERLESS, stack: { logRetentionDays: 400 } });
  for (const { Properties } of Object.values(kept.all("AWS::Logs::LogGroup"))) {
    expect(Properties["RetentionInDays"]).toBe(400);
  }
});

test.each<[string, Partial<WeirConfigInput>, string]>([
  [
    "a capacity for a stream that exists",
    { stream: { kind: "existing", name: "s", mode: "on-demand" } as never },
    "mode",
  ],
  [
    "a bucket by its ARN",
    { lake: { bucket: { bucketName: "arn:aws:s3:::x" } } },
    "lake.bucket.bucketName: a bucket's name",
  ],
  ["a key by its id", { stack: { keyArn: "1234" } }, "stack.keyArn"],
])("%s is refused", (_, input, problem) => {
  expect(() => app(input)).toThrow(problem);
});

test("a laptop has a stand-in for each of them, and the warehouse by its name", () => {
  const config = withStandIns(parseConfig({ types: TYPES, ...THEIRS, warehouse: PROVISIONED }, "test"));
  const outdir = mkdtempSync(join(tmpdir(), "weir-stand-ins-"));
  try {
    weirApp(config, {
      outdir,
      context: { "aws:cdk:bundling-stacks": [] },
      builtinCloudFormationValidation: false,
    }).synth();
    const deployment = readDeployment(outdir);
    expect(deployment.buckets).toContainEqual(expect.objectContaining({ name: deployment.lakeBucket }));
    expect(deployment.mapping.streamName).toBe(deployment.stream.name);
    expect(deployment.warehouse?.target).toEqual({ cluster: PROVISIONED.cluster });
  } finally {
    rmSync(outdir, { recursive: true });
  }
});
