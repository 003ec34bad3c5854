import { describe, expect, test } from "vitest";
import { Synthesized, show, statements } from "./synth.ts";

const stack = new Synthesized();

describe("the stream", () => {
  test("is on demand, encrypted with our key, and kept when the stack goes", () => {
    const stream = stack.one("Stream");
    expect(stream.Properties["StreamModeDetails"]).toEqual({ StreamMode: "ON_DEMAND" });
    expect(stream.Properties).not.toHaveProperty("ShardCount");
    expect(show(stream.Properties["StreamEncryption"])).toBe("EncryptionType=KMS KeyId=<Key>");
    expect(stream).toMatchObject({ DeletionPolicy: "RetainExceptOnCreate", UpdateReplacePolicy: "Retain" });
  });

  test("has the configured retention and shards", () => {
    const provisioned = new Synthesized({ stream: { mode: { shards: 6 }, retentionHours: 8_760 } });
    expect(provisioned.one("Stream").Properties).toMatchObject({
      StreamModeDetails: { StreamMode: "PROVISIONED" },
      ShardCount: 6,
      RetentionPeriodHours: 8_760,
    });
  });
});

describe.each(["Lake", "Failures", "AccessLogs"])("the bucket %s", (id) => {
  test("is private and kept when the stack goes", () => {
    expect(stack.one(id)).toMatchObject({
      DeletionPolicy: "RetainExceptOnCreate",
      UpdateReplacePolicy: "Retain",
      Properties: {
        PublicAccessBlockConfiguration: {
          BlockPublicAcls: true,
          BlockPublicPolicy: true,
          IgnorePublicAcls: true,
          RestrictPublicBuckets: true,
        },
        OwnershipControls: { Rules: [{ ObjectOwnership: "BucketOwnerEnforced" }] },
      },
    });
  });

  test("refuses plain HTTP and TLS before 1.2", () => {
    const policy = statements(stack.one(`${id}Policy`).Properties["PolicyDocument"]);
    for (const resource of [`<${id}>`, `<${id}>/*`]) {
      expect(policy).toContain(`AWS=*: deny s3:* on ${resource} if Bool=aws:SecureTransport=false`);
      expect(policy).toContain(`AWS=*: deny s3:* on ${resource} if NumericLessThan=s3:TlsVersion=1.2`);
    }
  });
});

test.each(["Lake", "Failures"])(
  "%s is encrypted with our key through a bucket key, versioned, and logged",
  (id) => {
    const { Properties: bucket } = stack.one(id);
    expect(show(bucket["BucketEncryption"])).toBe(
      "ServerSideEncryptionConfiguration=BucketKeyEnabled=true " +
        "ServerSideEncryptionByDefault=KMSMasterKeyID=<Key> SSEAlgorithm=aws:kms",
    );
    expect(bucket["VersioningConfiguration"]).toEqual({ Status: "Enabled" });
    expect(show(bucket["LoggingConfiguration"])).toContain("DestinationBucketName=<AccessLogs>");
  },
);

test("rows cool down after 30 days, and nothing that a commit names ever expires", () => {
  const { Rules } = stack.one("Lake").Properties["LifecycleConfiguration"] as {
    Rules: Record<string, unknown>[];
  };
  expect(Rules).toEqual([
    expect.objectContaining({
      Prefix: "data/",
      Transitions: [{ StorageClass: "INTELLIGENT_TIERING", TransitionInDays: 30 }],
    }),
    expect.objectContaining({ Prefix: "loads/copies/", ExpirationInDays: 30 }),
    expect.objectContaining({ Prefix: "fleet/", NoncurrentVersionExpiration: { NoncurrentDays: 1 } }),
    expect.objectContaining({
      AbortIncompleteMultipartUpload: { DaysAfterInitiation: 7 },
      NoncurrentVersionExpiration: { NoncurrentDays: 30 },
    }),
  ]);
  for (const rule of Rules) {
    if (rule["Prefix"] !== "loads/copies/") expect(rule).not.toHaveProperty("ExpirationInDays");
  }
  expect(stack.one("Failures").Properties).not.toHaveProperty("LifecycleConfiguration");
});

test("the key rotates, is kept, and lets in log groups of this account and its alarms", () => {
  const key = stack.one("Key");
  expect(key).toMatchObject({
    DeletionPolicy: "RetainExceptOnCreate",
    Properties: { EnableKeyRotation: true },
  });
  const policy = statements(key.Properties["KeyPolicy"]);
  const logGroups = "arn:<AWS::Partition>:logs:<AWS::Region>:<AWS::AccountId>:log-group:*";
  expect(policy).toContain(
    `Service=logs.<AWS::Region>.amazonaws.com: kms:GenerateDataKey* on * if ArnLike=kms:EncryptionContext:aws:logs:arn=${logGroups}`,
  );
  expect(policy).toContain(
    "Service=cloudwatch.amazonaws.com: kms:GenerateDataKey on * if StringEquals=aws:SourceAccount=<AWS::AccountId>",
  );
  for (const statement of policy.filter((line) => line.startsWith("Service="))) {
    expect(statement).toContain(" if ");
  }
});

test("an agent may write to the stream, tell CloudWatch how it is, and do nothing else", () => {
  const { Properties: policy } = stack.one("AgentPolicy");
  expect(statements(policy["PolicyDocument"])).toEqual([
    "cloudwatch:PutMetricData on * if StringEquals=cloudwatch:namespace=Weir/Agents",
    "kinesis:DescribeStreamSummary on <Stream>",
    "kinesis:ListShards on <Stream>",
    "kinesis:PutRecords on <Stream>",
    "kms:GenerateDataKey on <Key> if StringEquals=kms:ViaService=kinesis.<AWS::Region>.amazonaws.com",
  ]);
});
