import { describe, expect, test } from "vitest";
import { loaderRoleName } from "../../wire/loader-role.ts";
import { EXISTING_SERVERLESS, NEW_SERVERLESS, Synthesized, show } from "./synth.ts";

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
      "Variables=NODE_OPTIONS=--max-semi-space-size=8 --max-old-space-size=256 WEIR_LAKE_BUCKET=<Lake> WEIR_DATABASE=reports WEIR_WORKGROUP=analytics " +
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
      "s3:GetObject on <Lake>/data/*",
      "s3:GetObject on <Lake>/erasures/*",
      "s3:GetObject on <Lake>/loads/*",
      "s3:GetObject on <Lake>/log/*",
      "s3:ListBucket on <Lake>",
      "s3:PutObject on <Lake>/loads/*",
    ].sort(),
  );
});

/**
 * "The value is a list of colon-separated names of database roles"; those that are not found are ignored, and a user
 * who signs in is given the others. So `sys:dba` is no role that there is. source: "Defining database roles to
 * grant to federated users in Amazon Redshift Serverless" and "Joining database groups when connecting to a cluster",
 * Redshift management guide, read 2026-11
 */
test("no role is tagged for a database role: rights are the warehouse's to give", () => {
  for (const warehouse of [EXISTING_SERVERLESS, NEW_SERVERLESS]) {
    const roles = Object.values(new Synthesized({ warehouse }).all("AWS::IAM::Role"));
    const tags = roles.flatMap(({ Properties }) => (Properties["Tags"] ?? []) as { readonly Key: string }[]);
    expect(tags.map(({ Key }) => Key).filter((key) => /^RedshiftDb/i.test(key))).toEqual([]);
  }
});

describe("the loader's role", () => {
  /**
   * "IAM role sample_role is mapped to IAMR:sample_role": a role that CloudFormation names anew would be another user.
   * source: "Authorizing access to the Amazon Redshift Data API", Redshift management guide, read 2026-11
   */
  test("has a name that stays, of stack and region", () => {
    expect(show(stack.one("LoaderHandlerRole").Properties["RoleName"])).toBe("Weir-loader-<AWS::Region>");
  });

  /** Roles belong to an account, and their names have 64 characters. source: IAM quotas, read 2026-11 */
  test("has another name for each stack and region, within 64 characters", () => {
    const long = "a".repeat(128);
    const regions = ["eu-west-1", "us-isof-south-1"];
    const stacks = ["Weir", "Weir-staging", long, `${long.slice(1)}b`, "a".repeat(40), "a".repeat(41)];
    const names = stacks.flatMap((stack) => regions.map((region) => loaderRoleName(stack, region)));
    expect(new Set(names).size).toBe(stacks.length * regions.length);
    for (const name of names) expect(name).toMatch(/^[\w+=,.@-]{1,64}$/);
    expect(loaderRoleName(long, "eu-west-1")).toBe(loaderRoleName(long, "eu-west-1"));
  });
});

test("memory, time-out and what V8 may take of the memory are settings", () => {
  const loader = { memoryMb: 2_048, timeoutSeconds: 600 };
  const { MemorySize, Timeout, Environment } = new Synthesized({ warehouse: NEW_SERVERLESS, loader }).one(
    "LoaderHandlerFunction",
  ).Properties;
  expect({ MemorySize, Timeout }).toEqual({ MemorySize: 2_048, Timeout: 600 });
  expect(show(Environment)).toContain("--max-old-space-size=1024");
});
