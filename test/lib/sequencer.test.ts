import { describe, expect, test } from "vitest";
import { EXISTING_SERVERLESS, Synthesized, show } from "./synth.ts";

const stack = new Synthesized({ warehouse: { kind: "none" } });

describe("the sequencer's function", () => {
  const { Properties: handler } = stack.one("SequencerHandlerFunction");

  test("runs on Node 24 and arm64, with no concurrency reserved", () => {
    expect(handler).toMatchObject({
      Runtime: "nodejs24.x",
      Architectures: ["arm64"],
      Handler: "index.handler",
    });
    expect(handler).not.toHaveProperty("ReservedConcurrentExecutions");
  });

  test("is told where the lake is, and nothing else", () => {
    expect(show(handler["Environment"])).toBe("Variables=WEIR_LAKE_BUCKET=<Lake>");
  });
});

test.each([
  ["without a warehouse", stack],
  ["with one", new Synthesized({ warehouse: EXISTING_SERVERLESS, loader: { everyMinutes: 7 } })],
])("a tick comes every minute, %s", (_, stack) => {
  const { Properties: schedule } = stack.one("SequencerTickSchedule");
  expect(schedule).toMatchObject({ ScheduleExpression: "rate(1 minute)", State: "ENABLED" });
  expect(show(schedule["Target"])).toBe(
    "Arn=<SequencerHandlerFunction> DeadLetterConfig=Arn=<SequencerTickUndelivered> Input={} " +
      "RetryPolicy=MaximumEventAgeInSeconds=60 MaximumRetryAttempts=0 RoleArn=<SequencerTickRole>",
  );
});

test("the sequencer may do exactly this", () => {
  const viaS3 = "if StringEquals=kms:ViaService=s3.<AWS::Region>.amazonaws.com";
  expect(stack.grants("SequencerHandlerRole")).toEqual(
    [
      `kms:Decrypt on <Key> ${viaS3}`,
      `kms:GenerateDataKey on <Key> ${viaS3}`,
      "logs:CreateLogStream on <SequencerHandlerLogs>",
      "logs:PutLogEvents on <SequencerHandlerLogs>",
      "s3:GetObject on <Lake>/commits/*",
      "s3:GetObject on <Lake>/log/*",
      "s3:ListBucket on <Lake>",
      "s3:PutObject on <Lake>/log/*",
    ].sort(),
  );
});
