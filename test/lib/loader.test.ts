import { describe, expect, test } from "vitest";
import { EXISTING_SERVERLESS, Synthesized, show } from "./synth.ts";

const stack = new Synthesized({ warehouse: EXISTING_SERVERLESS, loader: { everyMinutes: 7 } });

describe("the loader's function", () => {
  const { Properties: handler } = stack.one("LoaderHandlerFunction");

  test("runs on Node 24 and arm64", () => {
    expect(handler).toMatchObject({
      Runtime: "nodejs24.x",
      Architectures: ["arm64"],
      Handler: "index.handler",
    });
  });

  // Reservations must leave the account 10 executions, and a new account has no more than that: any would be
  // refused. source: "Configuring reserved concurrency for a function", AWS Lambda, read 2026-11
  test("reserves no executions unless it is told to, and none of the other functions does", () => {
    for (const { Properties } of Object.values(stack.all("AWS::Lambda::Function"))) {
      expect(Properties).not.toHaveProperty("ReservedConcurrentExecutions");
    }
    const reserved = new Synthesized({ warehouse: EXISTING_SERVERLESS, loader: { reservedConcurrency: 2 } });
    expect(reserved.one("LoaderHandlerFunction").Properties["ReservedConcurrentExecutions"]).toBe(2);
  });

  test("is told lake, workgroup, database and COPY role", () => {
    expect(show(handler["Environment"])).toBe(
      "Variables=WEIR_LAKE_BUCKET=<Lake> WEIR_DATABASE=reports WEIR_WORKGROUP=analytics " +
        `WEIR_COPY_ROLE_ARN=${EXISTING_SERVERLESS.copyRoleArn}`,
    );
  });

  test("is never run for a tick older than the next one", () => {
    expect(stack.one("LoaderHandlerFunctionEventInvokeConfig").Properties).toMatchObject({
      MaximumEventAgeInSeconds: 420,
      MaximumRetryAttempts: 0,
    });
  });
});

test("one tick comes at the configured rate, with an empty payload, and lost ones are kept", () => {
  const { Properties: schedule } = stack.one("LoaderTickSchedule");
  expect(schedule).toMatchObject({
    ScheduleExpression: "rate(7 minutes)",
    FlexibleTimeWindow: { Mode: "OFF" },
    State: "ENABLED",
  });
  expect(show(schedule["Target"])).toBe(
    "Arn=<LoaderHandlerFunction> DeadLetterConfig=Arn=<LoaderTickUndelivered> Input={} " +
      "RetryPolicy=MaximumEventAgeInSeconds=420 MaximumRetryAttempts=0 RoleArn=<LoaderTickRole>",
  );
  expect(stack.one("LoaderTickUndelivered").Properties).toMatchObject({ SqsManagedSseEnabled: true });
});

test("a tick of one minute is a rate CloudFormation reads", () => {
  const everyMinute = new Synthesized({ warehouse: EXISTING_SERVERLESS, loader: { everyMinutes: 1 } });
  expect(everyMinute.one("LoaderTickSchedule").Properties["ScheduleExpression"]).toBe("rate(1 minute)");
});

test("Scheduler may invoke the loader and keep what it could not deliver", () => {
  expect(stack.grants("LoaderTickRole")).toEqual([
    "lambda:InvokeFunction on <LoaderHandlerFunction>",
    "sqs:SendMessage on <LoaderTickUndelivered>",
  ]);
});

test("the end of one of its own statements brings the loader back", () => {
  const { Properties: rule } = stack.one("LoaderStatementEnd");
  expect(rule["EventPattern"]).toEqual({
    source: ["aws.redshift-data"],
    "detail-type": ["Redshift Data Statement Status Change"],
    detail: { statementName: [{ prefix: "weir-" }], state: ["FINISHED", "FAILED", "ABORTED"] },
  });
  expect(show(rule["Targets"])).toContain("Arn=<LoaderHandlerFunction>");
});

test("the loader may do exactly this", () => {
  const viaS3 = "if StringEquals=kms:ViaService=s3.<AWS::Region>.amazonaws.com";
  const own = "if StringEquals=redshift-data:statement-owner-iam-userid=${aws:userid}";
  const workgroup = EXISTING_SERVERLESS.workgroupArn;
  expect(stack.grants("LoaderHandlerRole")).toEqual(
    [
      `kms:Decrypt on <Key> ${viaS3}`,
      `kms:GenerateDataKey on <Key> ${viaS3}`,
      "logs:CreateLogStream on <LoaderHandlerLogs>",
      "logs:PutLogEvents on <LoaderHandlerLogs>",
      `redshift-data:BatchExecuteStatement on ${workgroup}`,
      `redshift-data:CancelStatement on * ${own}`,
      `redshift-data:DescribeStatement on * ${own}`,
      `redshift-data:ExecuteStatement on ${workgroup}`,
      `redshift-data:GetStatementResult on * ${own}`,
      `redshift-serverless:GetCredentials on ${workgroup}`,
      "s3:GetObject on <Lake>/commits/*",
      "s3:GetObject on <Lake>/loads/*",
      "s3:GetObject on <Lake>/log/*",
      "s3:ListBucket on <Lake>",
      "s3:PutObject on <Lake>/loads/*",
    ].sort(),
  );
});

test("the loader's sessions may create schemas and tables in the database", () => {
  expect(stack.one("LoaderHandlerRole").Properties["Tags"]).toContainEqual({
    Key: "RedshiftDbRoles",
    Value: "sys:dba",
  });
});
