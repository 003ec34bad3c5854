import { Duration } from "aws-cdk-lib";
import { MathExpression, Metric, Stats } from "aws-cdk-lib/aws-cloudwatch";
import type { IMetric } from "aws-cdk-lib/aws-cloudwatch";
import type { IFunction } from "aws-cdk-lib/aws-lambda";
import type { WeirConfig } from "../wire/config.ts";
import { type AlarmDefinition, FIVE_MINUTES, NAMESPACE } from "./alarm-definition.ts";

/** Long enough for a share to say something, and short enough to be told of a deployment that went wrong. */
const QUARTER_HOUR = Duration.minutes(15);

/**
 * What becomes of lines and records. Types are those of the configuration, so there is an alarm for each, and no
 * producer can add to them. A type without lines has no metrics, and no share of anything.
 */
export function lineAlarms({ alarms, types }: WeirConfig, router: IFunction): AlarmDefinition[] {
  return [
    ...types.map(({ name }): AlarmDefinition => ({
      id: `Rejected-${name}`,
      means: `More than ${alarms.rejectedPercent} % of the lines of type ${name} are rejected.`,
      section: "rejected-lines",
      metric: share("Rejected", alarms.rejectedMinLines, { service: router.functionName, type: name }),
      threshold: alarms.rejectedPercent,
      evaluationPeriods: 1,
    })),
    {
      id: "Unrouted",
      means: `More than ${alarms.unroutedPercent} % of all lines are of no type.`,
      section: "unrouted-lines",
      metric: share("Unrouted", alarms.rejectedMinLines, { service: router.functionName }),
      threshold: alarms.unroutedPercent,
      evaluationPeriods: 1,
    },
    {
      id: "Quarantined",
      means:
        "The router could not open records, or they held more than a batch should; they are kept as they came.",
      section: "quarantined-records",
      metric: count("Quarantined", router),
      threshold: alarms.quarantinedRecords,
      evaluationPeriods: 1,
    },
    contestedAlarm("Router", alarms, router, FIVE_MINUTES),
    {
      id: "Conflicts",
      means: "Lines of one source claim the same bytes, and are not the same line come again.",
      section: "lines-that-claim-one-place",
      metric: count("Conflicts", router),
      threshold: alarms.conflictingLines,
      evaluationPeriods: 1,
    },
  ];
}

/** Watches the router, which sees a batch, or the loader, which sees many. */
export function contestedAlarm(
  name: string,
  { contestedSources }: WeirConfig["alarms"],
  handler: IFunction,
  period: Duration,
): AlarmDefinition {
  return {
    id: `${name}ContestedSources`,
    means: "More than one host claims the same source.",
    section: "one-source-under-two-hosts",
    metric: count("ContestedSources", handler, period),
    threshold: contestedSources,
    evaluationPeriods: 1,
  };
}

function count(metricName: string, { functionName }: IFunction, period = FIVE_MINUTES): IMetric {
  const dimensionsMap = { service: functionName };
  return new Metric({ namespace: NAMESPACE, metricName, dimensionsMap, statistic: Stats.SUM, period });
}

/** Percent of the lines; 0 where there are fewer of the kind than `atLeast`, since one of two is half of them. */
function share(metricName: string, atLeast: number, dimensionsMap: Record<string, string>): IMetric {
  const of = (metricName: string): IMetric =>
    new Metric({
      namespace: NAMESPACE,
      metricName,
      dimensionsMap,
      statistic: Stats.SUM,
      period: QUARTER_HOUR,
    });
  return new MathExpression({
    expression: `IF(part >= ${atLeast}, 100 * part / lines, 0)`,
    usingMetrics: { part: of(metricName), lines: of("Lines") },
    label: `${metricName}, percent of lines`,
    period: QUARTER_HOUR,
  });
}
