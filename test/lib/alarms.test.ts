import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { NEW_SERVERLESS, Synthesized, show } from "./synth.ts";

const stack = new Synthesized({
  warehouse: NEW_SERVERLESS,
  loader: { everyMinutes: 10 },
  alarms: { iteratorAgeMinutes: 20, loadLagTicks: 4, email: "on-call@example.com" },
});
const alarms = stack.all("AWS::CloudWatch::Alarm");
const alarm = (id: string): Record<string, unknown> => alarms[`Alarms${id}`]!.Properties;

test("there are these alarms", () => {
  expect(Object.keys(alarms).sort()).toEqual([
    "AlarmsBatchesGivenUp",
    "AlarmsIteratorAge",
    "AlarmsLoadLag",
    "AlarmsLoaderErrors",
    "AlarmsLoadsFailed",
    "AlarmsRecordsDropped",
    "AlarmsRouterErrors",
  ]);
});

test("iterator age is compared in milliseconds, as Lambda reports it", () => {
  expect(alarm("IteratorAge")).toMatchObject({
    Namespace: "AWS/Lambda",
    MetricName: "IteratorAge",
    Statistic: "Maximum",
    Threshold: 1_200_000,
  });
  expect(show(alarm("IteratorAge")["Dimensions"])).toBe("Name=FunctionName Value=<RouterHandlerFunction>");
});

test.each([
  ["BatchesGivenUp", "OnFailureDestinationDeliveredEventCount"],
  ["RecordsDropped", "DroppedEventCount"],
])("%s goes off at the first event of the mapping", (id, metric) => {
  expect(alarm(id)).toMatchObject({
    Namespace: "AWS/Lambda",
    MetricName: metric,
    Statistic: "Sum",
    Threshold: 0,
    EvaluationPeriods: 1,
    ComparisonOperator: "GreaterThanThreshold",
    TreatMissingData: "notBreaching",
  });
  expect(show(alarm(id)["Dimensions"])).toBe("Name=EventSourceMappingUUID Value=<RouterMapping>");
});

test.each([
  ["RouterErrors", "RouterHandlerFunction", 300],
  ["LoaderErrors", "LoaderHandlerFunction", 600],
])("%s forgives a single error", (id, functionId, seconds) => {
  expect(alarm(id)).toMatchObject({
    MetricName: "Errors",
    Statistic: "Sum",
    Threshold: 0,
    Period: seconds,
    EvaluationPeriods: 3,
    DatapointsToAlarm: 2,
  });
  expect(show(alarm(id)["Dimensions"])).toBe(`Name=FunctionName Value=<${functionId}>`);
});

test("a silent loader is as bad as a late one", () => {
  expect(alarm("LoadLag")).toMatchObject({
    Namespace: "Weir",
    MetricName: "LoadLagSeconds",
    Statistic: "Maximum",
    Period: 600,
    Threshold: 2_400,
    TreatMissingData: "breaching",
  });
});

test("a load that fails for good goes off at once", () => {
  expect(alarm("LoadsFailed")).toMatchObject({
    Namespace: "Weir",
    MetricName: "LoadsFailed",
    Statistic: "Sum",
    Threshold: 0,
    EvaluationPeriods: 1,
    TreatMissingData: "notBreaching",
  });
});

describe("the topic", () => {
  const topic = "<AlarmsTopic>";

  test("hears every alarm, and mails whom the configuration names", () => {
    for (const { Properties } of Object.values(alarms)) expect(show(Properties["AlarmActions"])).toBe(topic);
    const subscriptions = Object.values(stack.all("AWS::SNS::Subscription"));
    expect(subscriptions.map(({ Properties }) => Properties["Endpoint"])).toEqual(["on-call@example.com"]);
    expect(new Synthesized().all("AWS::SNS::Subscription")).toEqual({});
  });

  test("is encrypted with our key and open to this account's alarms", () => {
    expect(show(stack.one("AlarmsTopic").Properties["KmsMasterKeyId"])).toBe("<Key>");
    expect(show(stack.one("AlarmsTopicPolicy").Properties["PolicyDocument"])).toContain(
      "Action=sns:Publish Condition=StringEquals=aws:SourceAccount=<AWS::AccountId> " +
        "Effect=Allow Principal=Service=cloudwatch.amazonaws.com",
    );
  });
});

test("one composite alarm stands for all of them", () => {
  const rule = show(stack.one("AlarmsUnwell").Properties["AlarmRule"]);
  for (const id of Object.keys(alarms)) expect(rule).toContain(`ALARM("<${id}>")`);
});

describe("the runbook", () => {
  const runbook = readFileSync(new URL("../../docs/runbook.md", import.meta.url), "utf8");
  const described = [...Object.values(alarms), stack.one("AlarmsUnwell")].map(({ Properties }) =>
    String(Properties["AlarmDescription"]),
  );
  const linked = described.map((text) => /Runbook: docs\/runbook\.md#([a-z-]+)$/.exec(text)?.[1]);
  const alarmSections = /## Alarms\n([\s\S]*?)\n## /.exec(runbook)?.[1] ?? "";

  test("has a section for every alarm, and an alarm for every section", () => {
    const sections = [...alarmSections.matchAll(/^### (.+)$/gm)].map(([, heading]) =>
      heading!.toLowerCase().replaceAll(" ", "-"),
    );
    expect(new Set(sections)).toEqual(new Set(linked));
  });

  test("says of each alarm what it means, what to look at and what to do", () => {
    for (const section of alarmSections.split(/^### /m).slice(1)) {
      for (const part of ["**Means**", "**Look at**", "**Do**"]) expect(section).toContain(part);
    }
  });
});
