import { expect, test } from "vitest";
import { NEW_SERVERLESS, show, statements, Synthesized } from "./synth.ts";

const LOADED = { warehouse: NEW_SERVERLESS };

const allowed = (stack: Synthesized): string[] =>
  statements(stack.one("OperatorPolicy").Properties["PolicyDocument"]);

test("operators may read stream, lake, failed batches and metrics, invoke router and loader, switch the mapping, and move what was replayed", () => {
  const viaKinesis = "StringEquals=kms:ViaService=kinesis.<AWS::Region>.amazonaws.com";
  const viaS3 = "StringEquals=kms:ViaService=s3.<AWS::Region>.amazonaws.com";
  expect(allowed(new Synthesized(LOADED))).toEqual(
    [
      "cloudformation:DescribeStacks on arn:<AWS::Partition>:cloudformation:<AWS::Region>:<AWS::AccountId>:stack/Weir/*",
      "cloudwatch:GetMetricData on *",
      "cloudwatch:ListMetrics on *",
      "kinesis:DescribeStreamSummary on <Stream>",
      "kinesis:GetRecords on <Stream>",
      "kinesis:GetShardIterator on <Stream>",
      "kinesis:ListShards on <Stream>",
      `kms:Decrypt on <Key> if ${viaKinesis}`,
      `kms:Decrypt on <Key> if ${viaS3}`,
      `kms:GenerateDataKey on <Key> if ${viaS3}`,
      ...["Get", "Update"].map(
        (verb) =>
          `lambda:${verb}EventSourceMapping on arn:<AWS::Partition>:lambda:<AWS::Region>:<AWS::AccountId>:event-source-mapping:<RouterMapping>`,
      ),
      "lambda:InvokeFunction on <LoaderHandlerFunction>",
      "lambda:InvokeFunction on <RouterHandlerFunction>",
      "s3:DeleteObject on <Failures>/aws/lambda/*",
      "s3:GetObject on <Failures>/aws/lambda/*",
      "s3:PutObject on <Failures>/replayed/*",
      ...["commits", "data", "erasures", "fleet", "loads", "log", "quarantine", "rejected"].map(
        (prefix) => `s3:GetObject on <Lake>/${prefix}/*`,
      ),
      "s3:ListBucket on <Failures>",
      "s3:ListBucket on <Lake>",
    ].toSorted(),
  );
});

test("without a warehouse there is no loader to invoke", () => {
  const invoked = allowed(new Synthesized()).filter((line) => line.startsWith("lambda:Invoke"));
  expect(invoked).toEqual(["lambda:InvokeFunction on <RouterHandlerFunction>"]);
});

test("a lake with a key of its own is read with that, and the failure bucket with the stack's", () => {
  const keyArn = "arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab";
  const keys = allowed(new Synthesized({ lake: { bucket: { bucketName: "their-lake", keyArn } } })).filter(
    (line) => line.startsWith("kms:") && line.includes("=s3."),
  );
  expect(keys.map((line) => line.split(" ").slice(0, 3).join(" "))).toEqual([
    "kms:Decrypt on <Key>",
    `kms:Decrypt on ${keyArn}`,
    "kms:GenerateDataKey on <Key>",
  ]);
});

test("the outputs say what weir's commands look for", () => {
  const outputs = (stack: Synthesized) =>
    Object.fromEntries(
      Object.entries(stack.template.findOutputs("*")).map(([name, { Value }]) => [name, show(Value)]),
    );
  const common = {
    StreamName: "<Stream>",
    LakeBucket: "<Lake>",
    FailureBucket: "<Failures>",
    RouterFunction: "<RouterHandlerFunction>",
    RouterMapping: "<RouterMapping>",
    OperatorPolicyArn: "<OperatorPolicy>",
  };
  expect(outputs(new Synthesized(LOADED))).toMatchObject({
    ...common,
    LoaderFunction: "<LoaderHandlerFunction>",
    Database: "weir",
  });
  const without = outputs(new Synthesized());
  expect(without).toMatchObject(common);
  expect(without).not.toHaveProperty("LoaderFunction");
});
