import { describe, expect, test } from "vitest";
import { Synthesized, show } from "./synth.ts";

const router = {
  memoryMb: 2_048,
  timeoutSeconds: 77,
  batchSize: 1_234,
  batchingWindowSeconds: 45,
  retryAttempts: 7,
  maxRecordAgeSeconds: 3_601,
};
const stack = new Synthesized({ router });

describe("the event source mapping", () => {
  const { Properties: mapping, DependsOn } = stack.one("RouterMapping");

  test("has every property from the configuration, none swapped, none left to Lambda's default", () => {
    const { Tags: _, ...properties } = mapping;
    expect(properties).toEqual({
      EventSourceArn: expect.anything() as unknown,
      FunctionName: expect.anything() as unknown,
      StartingPosition: "TRIM_HORIZON",
      BatchSize: 1_234,
      MaximumBatchingWindowInSeconds: 45,
      ParallelizationFactor: 1,
      MaximumRetryAttempts: 7,
      MaximumRecordAgeInSeconds: 3_601,
      BisectBatchOnFunctionError: true,
      FunctionResponseTypes: ["ReportBatchItemFailures"],
      MetricsConfig: { Metrics: ["EventCount"] },
      DestinationConfig: { OnFailure: { Destination: expect.anything() as unknown } },
    });
  });

  test("maps the stream itself, not a consumer, to the router", () => {
    expect(show(mapping["EventSourceArn"])).toBe("<Stream>");
    expect(show(mapping["FunctionName"])).toBe("<RouterHandlerFunction>");
    expect(stack.all("AWS::Kinesis::StreamConsumer")).toEqual({});
  });

  test("sends what failed to the failure bucket, never to the lake", () => {
    expect(show(mapping["DestinationConfig"])).toBe("OnFailure=Destination=<Failures>");
  });

  test("waits for the role's policy, which Lambda tries when the mapping is made", () => {
    expect(DependsOn?.some((id) => id.startsWith("RouterHandlerRoleDefaultPolicy"))).toBe(true);
  });
});

describe("the router's function", () => {
  const { Properties: handler } = stack.one("RouterHandlerFunction");

  test("runs Node 24 on arm64 with the configured size", () => {
    expect(handler).toMatchObject({
      Runtime: "nodejs24.x",
      Architectures: ["arm64"],
      Handler: "index.handler",
      MemorySize: 2_048,
      Timeout: 77,
    });
  });

  test("is told where the lake is, and nothing else", () => {
    expect(show(handler["Environment"])).toBe("Variables=WEIR_LAKE_BUCKET=<Lake>");
  });

  test("logs to an encrypted group that forgets after 30 days", () => {
    expect(show(handler["LoggingConfig"])).toBe("LogGroup=<RouterHandlerLogs>");
    const { Properties: logs } = stack.one("RouterHandlerLogs");
    expect(logs["RetentionInDays"]).toBe(30);
    expect(show(logs["KmsKeyId"])).toBe("<Key>");
  });
});

test("the router may do exactly this", () => {
  const viaS3 = "if StringEquals=kms:ViaService=s3.<AWS::Region>.amazonaws.com";
  const viaKinesis = "if StringEquals=kms:ViaService=kinesis.<AWS::Region>.amazonaws.com";
  expect(stack.grants("RouterHandlerRole")).toEqual(
    [
      "kinesis:DescribeStream on <Stream>",
      "kinesis:DescribeStreamSummary on <Stream>",
      "kinesis:GetRecords on <Stream>",
      "kinesis:GetShardIterator on <Stream>",
      "kinesis:ListShards on <Stream>",
      `kms:Decrypt on <Key> ${viaKinesis}`,
      `kms:Decrypt on <Key> ${viaS3}`,
      `kms:GenerateDataKey on <Key> ${viaS3}`,
      "logs:CreateLogStream on <RouterHandlerLogs>",
      "logs:PutLogEvents on <RouterHandlerLogs>",
      "s3:GetObject on <Lake>/erasures/*",
      "s3:GetObject on <Lake>/quarantine/*",
      "s3:GetObject on <Lake>/rejected/*",
      "s3:ListBucket on <Failures>",
      "s3:ListBucket on <Lake>",
      "s3:PutObject on <Failures>/aws/lambda/*",
      "s3:PutObject on <Lake>/commits/*",
      "s3:PutObject on <Lake>/data/*",
      "s3:PutObject on <Lake>/quarantine/*",
      "s3:PutObject on <Lake>/rejected/*",
    ].sort(),
  );
});
