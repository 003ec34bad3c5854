import { expect, test } from "vitest";
import { NEW_SERVERLESS, Synthesized, show } from "./synth.ts";

const stack = new Synthesized({ warehouse: { kind: "none" } });
const TOPIC = "arn:aws:sns:us-east-1:111122223333:on-call";

test("fleet watch runs every minute, with or without a warehouse, and no longer than until its next run", () => {
  for (const one of [stack, new Synthesized({ warehouse: NEW_SERVERLESS })]) {
    expect(one.one("FleetHandlerFunction").Properties).toMatchObject({
      Runtime: "nodejs24.x",
      Architectures: ["arm64"],
      Timeout: 60,
    });
    expect(one.one("FleetTickSchedule").Properties).toMatchObject({ ScheduleExpression: "rate(1 minute)" });
  }
});

test("it is told where lake and topic are, and what the configuration says of hosts", () => {
  const environment = (of: Synthesized): string =>
    show(of.one("FleetHandlerFunction").Properties["Environment"]);
  expect(environment(stack)).toBe(
    "Variables=WEIR_LAKE_BUCKET=<Lake> WEIR_ALARM_TOPIC=<AlarmsTopic> WEIR_STACK=Weir WEIR_SILENT_MINUTES=10 " +
      "WEIR_STUCK_MINUTES=15 WEIR_FORGET_MINUTES=1440",
  );
  const fleet = { silentMinutes: 5, stuckMinutes: 30, stoppedMinutes: 60, forgetHours: 2 };
  expect(environment(new Synthesized({ alarms: { topicArn: TOPIC, fleet } }))).toBe(
    `Variables=WEIR_LAKE_BUCKET=<Lake> WEIR_ALARM_TOPIC=${TOPIC} WEIR_STACK=Weir WEIR_SILENT_MINUTES=5 ` +
      "WEIR_STUCK_MINUTES=30 WEIR_STOPPED_MINUTES=60 WEIR_FORGET_MINUTES=120",
  );
});

test("it may do exactly this", () => {
  const via = (service: string) => `if StringEquals=kms:ViaService=${service}.<AWS::Region>.amazonaws.com`;
  const common = [
    `kms:Decrypt on <Key> ${via("s3")}`,
    `kms:GenerateDataKey on <Key> ${via("s3")}`,
    "logs:CreateLogStream on <FleetHandlerLogs>",
    "logs:PutLogEvents on <FleetHandlerLogs>",
    "s3:GetObject on <Lake>/data/type=_weir.agent/*",
    "s3:GetObject on <Lake>/fleet/*",
    "s3:GetObject on <Lake>/log/*",
    "s3:ListBucket on <Lake>",
    "s3:PutObject on <Lake>/fleet/*",
  ];
  const sns = [`kms:Decrypt on <Key> ${via("sns")}`, `kms:GenerateDataKey on <Key> ${via("sns")}`];
  expect(stack.grants("FleetHandlerRole")).toEqual(
    [...common, ...sns, "sns:Publish on <AlarmsTopic>"].sort(),
  );
  expect(new Synthesized({ alarms: { topicArn: TOPIC } }).grants("FleetHandlerRole")).toEqual(
    [...common, `sns:Publish on ${TOPIC}`].sort(),
  );
});

test("turned off, there is nothing of it", () => {
  const off = new Synthesized({ alarms: { fleet: { enabled: false } } });
  expect(JSON.stringify(off.template.toJSON())).not.toMatch(/Fleet|SilentHosts/);
});
