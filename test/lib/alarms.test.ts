import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import type { WeirConfigInput } from "../../wire/config.ts";
import { EXISTING_SERVERLESS, NEW_SERVERLESS, type Resource, Synthesized, show } from "./synth.ts";

const CONFIG = {
  warehouse: NEW_SERVERLESS,
  loader: { everyMinutes: 10 },
  alarms: { iteratorAgeMinutes: 20, loadLagTicks: 4, email: "on-call@example.com" },
} as const;

const stack = new Synthesized(CONFIG);
const alarms = stack.all("AWS::CloudWatch::Alarm");
const alarm = (id: string, of = alarms): Record<string, unknown> => of[`Alarms${id}`]!.Properties;
const dimensions = (id: string): string => show(alarm(id)["Dimensions"]);

const FUNCTIONS = ["Router", "Sequencer", "Fleet", "Loader", "LoaderGrants", "Guard"];

/** Fleet watch tells of these itself, with the names of hosts and files. */
const QUIET = ["HostsLeftOut", "SilentHosts", "StalledAgents", "StuckFiles", "UnreadableFiles"];

test("there are these alarms", () => {
  expect(Object.keys(alarms).sort()).toEqual(
    [
      "BatchesGivenUp",
      "ConflictingRows",
      "Conflicts",
      "FleetSilent",
      "FleetTicksUndelivered",
      "IteratorAge",
      "LoadLag",
      "LoaderContestedSources",
      "LoaderSilent",
      "LoaderTicksUndelivered",
      "LoadsFailed",
      "ObjectsSetAside",
      "Quarantined",
      "RecordsDropped",
      "Rejectedaccess",
      "RouterContestedSources",
      "RowsHeld",
      "SequencerLag",
      "SequencerSilent",
      "SequencerTicksUndelivered",
      "Unrouted",
      "WarehouseChanged",
      "WritesThrottled",
      ...QUIET,
      ...FUNCTIONS.flatMap((name) => [`${name}Duration`, `${name}Errors`, `${name}Throttles`]),
    ]
      .map((id) => `Alarms${id}`)
      .sort(),
  );
});

test("iterator age is compared in milliseconds, as Lambda reports it", () => {
  expect(alarm("IteratorAge")).toMatchObject({
    Namespace: "AWS/Lambda",
    MetricName: "IteratorAge",
    Statistic: "Maximum",
    Threshold: 1_200_000,
  });
  expect(dimensions("IteratorAge")).toBe("Name=FunctionName Value=<RouterHandlerFunction>");
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
  expect(dimensions(id)).toBe("Name=EventSourceMappingUUID Value=<RouterMapping>");
});

/** A metric of the stream, each minute. source: "Amazon Kinesis Data Streams dimensions and metrics", read 2026-11 */
test("a stream that refuses records for five minutes is told, for one minute is not", () => {
  expect(alarm("WritesThrottled")).toMatchObject({
    Namespace: "AWS/Kinesis",
    MetricName: "WriteProvisionedThroughputExceeded",
    Statistic: "Sum",
    Period: 60,
    EvaluationPeriods: 5,
    Threshold: 0,
  });
  expect(alarm("WritesThrottled")).not.toHaveProperty("DatapointsToAlarm");
  expect(dimensions("WritesThrottled")).toBe("Name=StreamName Value=<Stream>");
});

describe("every function of the template, whoever made it,", () => {
  const functions = Object.keys(stack.all("AWS::Lambda::Function"));

  /** source: "Types of metrics for Lambda functions", Lambda developer guide, read 2026-11 */
  test.each(["Errors", "Throttles", "Duration"])("has an alarm of %s", (metric) => {
    const watched = Object.values(alarms)
      .filter(({ Properties }) => Properties["MetricName"] === metric)
      .map(({ Properties }) => show(Properties["Dimensions"]));
    expect(watched.sort()).toEqual(functions.map((id) => `Name=FunctionName Value=<${id}>`).sort());
  });

  test.each([
    ["Router", 300],
    ["Loader", 600],
    ["Sequencer", 60],
    ["Fleet", 60],
  ])("is told of what fails again and again: %s", (name, seconds) => {
    for (const id of [`${name}Errors`, `${name}Throttles`]) {
      expect(alarm(id)).toMatchObject({
        Statistic: "Sum",
        Threshold: 0,
        Period: seconds,
        EvaluationPeriods: 3,
        DatapointsToAlarm: 2,
      });
    }
  });

  test.each(FUNCTIONS)("is told of before it times out: %s", (name) => {
    const timeout = Number(stack.one(`${name}HandlerFunction`).Properties["Timeout"]);
    // Lambda reports milliseconds, CloudFormation takes seconds.
    expect(alarm(`${name}Duration`)).toMatchObject({
      ExtendedStatistic: "p95",
      Threshold: timeout * 1_000 * 0.8,
    });
  });

  test("has outputs, and so has what else one asks for at night", () => {
    const outputs = stack.template.findOutputs("*") as Record<string, { readonly Value: unknown }>;
    const values = Object.fromEntries(Object.entries(outputs).map(([id, { Value }]) => [id, show(Value)]));
    expect(values).toMatchObject({
      AlarmTopicArn: "<AlarmsTopic>",
      KeyArn: "<Key>",
      LoaderDatabaseUser: "IAMR:Weir-loader-<AWS::Region>",
    });
    for (const name of FUNCTIONS) {
      expect(values[`${name}Function`]).toBe(`<${name}HandlerFunction>`);
      expect(values[`${name}LogGroup`]).toBe(`<${name}HandlerLogs>`);
    }
  });
});

describe("the loader's ticks", () => {
  test("that do not come are told of after three", () => {
    expect(alarm("LoaderSilent")).toMatchObject({
      MetricName: "Invocations",
      Statistic: "Sum",
      Period: 600,
      Threshold: 1,
      ComparisonOperator: "LessThanThreshold",
      EvaluationPeriods: 3,
      TreatMissingData: "breaching",
    });
  });

  /** source: "Available CloudWatch metrics for Amazon SQS", read 2026-11 */
  test("that could not be delivered are told of while they lie in the queue", () => {
    expect(alarm("LoaderTicksUndelivered")).toMatchObject({
      Namespace: "AWS/SQS",
      MetricName: "ApproximateNumberOfMessagesVisible",
      Statistic: "Maximum",
      Threshold: 0,
      EvaluationPeriods: 1,
    });
    expect(dimensions("LoaderTicksUndelivered")).toBe(
      "Name=QueueName Value=<LoaderTickUndelivered.QueueName>",
    );
  });

  test("that are late are as bad as none", () => {
    expect(alarm("LoadLag")).toMatchObject({
      Namespace: "Weir",
      MetricName: "LoadLagSeconds",
      Statistic: "Maximum",
      Period: 600,
      Threshold: 2_400,
      TreatMissingData: "breaching",
    });
  });
});

test.each(["LoadsFailed", "Quarantined", "Conflicts", "RouterContestedSources", "LoaderContestedSources"])(
  "%s goes off at once",
  (id) => {
    expect(alarm(id)).toMatchObject({
      Namespace: "Weir",
      MetricName: id.replace(/^(Router|Loader)(?=Contested)/, ""),
      Statistic: "Sum",
      Threshold: 0,
      EvaluationPeriods: 1,
      TreatMissingData: "notBreaching",
    });
    expect(dimensions(id)).toMatch(/^Name=service Value=<(Router|Loader)HandlerFunction>$/);
  },
);

describe("the share of lines", () => {
  const share = (id: string): string => show(alarm(id)["Metrics"]);

  test("that are rejected is each type's own", () => {
    expect(alarm("Rejectedaccess")).toMatchObject({ Threshold: 5, EvaluationPeriods: 1 });
    expect(share("Rejectedaccess")).toContain("Expression=IF(part >= 10, 100 * part / lines, 0)");
    for (const name of ["Rejected", "Lines"]) {
      expect(share("Rejectedaccess")).toContain(
        `Metric=Dimensions=Name=service Value=<RouterHandlerFunction> | Name=type Value=access MetricName=${name} ` +
          "Namespace=Weir Period=900 Stat=Sum ReturnData=false",
      );
    }
  });

  test("that are of no type is one of all", () => {
    expect(alarm("Unrouted")).toMatchObject({ Threshold: 1 });
    for (const name of ["Unrouted", "Lines"]) {
      expect(share("Unrouted")).toContain(
        `Metric=Dimensions=Name=service Value=<RouterHandlerFunction> MetricName=${name} `,
      );
    }
  });

  test("costs what the configuration says, and no more for what producers send", () => {
    const names = ["access", "photo", "user"];
    const types = names.map((name) => logType(name));
    const rejected = Object.keys(new Synthesized({ types }).all("AWS::CloudWatch::Alarm")).filter((id) =>
      id.startsWith("AlarmsRejected"),
    );
    expect(rejected.sort()).toEqual(names.map((name) => `AlarmsRejected${name}`));
  });
});

test("each threshold of the configuration is an alarm's", () => {
  const changed = new Synthesized({
    ...CONFIG,
    alarms: {
      writeThrottledMinutes: 7,
      rejectedPercent: 12.5,
      unroutedPercent: 3,
      rejectedMinLines: 40,
      quarantinedRecords: 2,
      contestedSources: 1,
      conflictingLines: 4,
      undeliveredTicks: 6,
      sequencerLagMinutes: 20,
      throttledCalls: 9,
      durationPercent: 50,
    },
  }).all("AWS::CloudWatch::Alarm");
  expect(alarm("WritesThrottled", changed)).toMatchObject({ EvaluationPeriods: 7 });
  for (const [id, Threshold] of [
    ["Rejectedaccess", 12.5],
    ["Unrouted", 3],
    ["Quarantined", 2],
    ["RouterContestedSources", 1],
    ["Conflicts", 4],
    ["LoaderContestedSources", 1],
    ["LoaderTicksUndelivered", 6],
    ["SequencerTicksUndelivered", 6],
    ["SequencerLag", 1_200],
    ["RouterThrottles", 9],
    ["LoaderGrantsThrottles", 9],
    ["RouterDuration", 60_000],
  ] as const) {
    expect(alarm(id, changed)).toMatchObject({ Threshold });
  }
  expect(show(alarm("Unrouted", changed)["Metrics"])).toContain("IF(part >= 40,");
});

test.each([
  [{ rejectedPercent: 101 }, "alarms.rejectedPercent"],
  [{ durationPercent: 0 }, "alarms.durationPercent"],
  [{ quarantinedRecords: -1 }, "alarms.quarantinedRecords"],
])("a threshold that no metric can pass is refused: %j", (wrong, field) => {
  expect(() => new Synthesized({ alarms: wrong })).toThrow(field);
});

/**
 * Evaluation periods times period are a day at most, and a period is a multiple of 60 seconds. source: PutMetricAlarm
 * reference, read 2026-11
 */
test("every alarm is one that CloudWatch takes, and is off while there is nothing to measure unless that is the fault", () => {
  const slowest = new Synthesized({
    ...CONFIG,
    loader: { everyMinutes: 60 },
    alarms: { writeThrottledMinutes: 60 },
  });
  for (const [id, { Properties }] of Object.entries(slowest.all("AWS::CloudWatch::Alarm"))) {
    const metrics = (Properties["Metrics"] ?? []) as { readonly MetricStat?: { readonly Period: number } }[];
    const periods = metrics.flatMap(({ MetricStat }) => MetricStat?.Period ?? []);
    for (const period of periods.length > 0 ? periods : [Number(Properties["Period"])]) {
      expect(period % 60).toBe(0);
      expect(period * Number(Properties["EvaluationPeriods"])).toBeLessThanOrEqual(86_400);
    }
    const silence = /Silent$|LoadLag$/.test(id);
    expect(Properties["TreatMissingData"]).toBe(silence ? "breaching" : "notBreaching");
  }
});

describe("the topic", () => {
  const topic = "<AlarmsTopic>";

  test("hears of every alarm that fleet watch does not tell of, on and off, and mails whom the configuration names", () => {
    for (const [id, { Properties }] of Object.entries(alarms)) {
      if (QUIET.some((quiet) => id === `Alarms${quiet}`)) {
        expect(Properties).not.toHaveProperty("AlarmActions");
        continue;
      }
      expect(show(Properties["AlarmActions"])).toBe(topic);
      expect(show(Properties["OKActions"])).toBe(topic);
    }
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

describe("one composite alarm stands for all of them", () => {
  /** Ids that a composite alarm stands for, through whatever others. */
  function under(id: string, all: Record<string, Resource>): string[] {
    const { Properties, Type } = all[id]!;
    if (Type !== "AWS::CloudWatch::CompositeAlarm") return [id];
    return children(Properties).flatMap((child) => under(child, all));
  }

  const children = (properties: Resource["Properties"]): string[] =>
    [...show(properties["AlarmRule"]).matchAll(/ALARM\("<(\w+)(?:\.\w+)?>"\)/g)].map(([, child]) => child!);

  const everyAlarm = (of: Synthesized): Record<string, Resource> => ({
    ...of.all("AWS::CloudWatch::Alarm"),
    ...of.all("AWS::CloudWatch::CompositeAlarm"),
  });

  /** A rule has 10,240 characters and 100 alarms, a name 255. source: PutCompositeAlarm reference, read 2026-11 */
  test.each([1, 20, 200])("with %i types", (count) => {
    const types = Array.from({ length: count }, (_, i) => logType(`type_${String(i).padStart(3, "0")}`));
    const many = new Synthesized({ ...CONFIG, types });
    expect(under("AlarmsUnwell", everyAlarm(many)).sort()).toEqual(
      Object.keys(many.all("AWS::CloudWatch::Alarm")).sort(),
    );
    for (const { Properties } of Object.values(many.all("AWS::CloudWatch::CompositeAlarm"))) {
      expect(
        children(Properties).length * 'ALARM("") OR '.length + children(Properties).length * 255,
      ).toBeLessThanOrEqual(10_240);
      expect(children(Properties).length).toBeLessThanOrEqual(100);
    }
  });
});

describe("the runbook", () => {
  const runbook = readFileSync(new URL("../../docs/runbook.md", import.meta.url), "utf8");
  const described = [alarms, stack.all("AWS::CloudWatch::CompositeAlarm")]
    .flatMap((resources) => Object.values(resources))
    .map(({ Properties }) => String(Properties["AlarmDescription"]));
  const linked = described.map((text) => /Runbook: docs\/runbook\.md#([a-z-]+)$/.exec(text)?.[1]);
  const alarmSections = /\n## Alarms\n([\s\S]*?)\n## /.exec(runbook)?.[1] ?? "";
  const sections = [...alarmSections.matchAll(/^### (.+)$/gm)].map(([, heading]) =>
    heading!.toLowerCase().replaceAll(" ", "-"),
  );

  test("has a section for every alarm, and an alarm for every section", () => {
    expect(new Set(sections)).toEqual(new Set(linked));
    expect(new Set(sections).size).toBe(sections.length);
  });

  test("has a section for each alarm of the other kinds of warehouse", () => {
    for (const warehouse of [{ kind: "none" } as const, EXISTING_SERVERLESS]) {
      for (const { Properties } of Object.values(
        new Synthesized({ warehouse }).all("AWS::CloudWatch::Alarm"),
      )) {
        expect(sections).toContain(String(Properties["AlarmDescription"]).split("#").at(-1));
      }
    }
  });

  test("says of each alarm what it means, what to look at and what to do", () => {
    for (const section of alarmSections.split(/^### /m).slice(1)) {
      for (const part of ["**Means**", "**Look at**", "**Do**"]) expect(section).toContain(part);
    }
  });

  test("names settings and outputs that there are", () => {
    const outputs = Object.keys(stack.template.findOutputs("*"));
    const settings = readFileSync(new URL("../../docs/config.md", import.meta.url), "utf8");
    for (const [, name] of runbook.matchAll(/\$\(out (\w+)\)/g)) expect(outputs).toContain(name);
    for (const [, name] of runbook.matchAll(/`logs (\w+)/g)) {
      // Of another warehouse that is called archive, for one.
      expect(outputs).toContain(`${name!.replace("Archive", "")}LogGroup`);
    }
    for (const [, name] of runbook.matchAll(/`alarms\.(\w+)`/g))
      expect(settings).toContain(`| \`${name}\` |`);
  });
});

function logType(name: string): WeirConfigInput["types"][number] {
  return { name, parse: { format: "json" }, columns: [{ name: "status", type: "smallint" }] };
}
