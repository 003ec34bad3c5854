import { ComparisonOperator, Stats, TreatMissingData } from "aws-cdk-lib/aws-cloudwatch";
import type { WeirConfig } from "../wire/config.ts";
import { AGAIN_AND_AGAIN, type AlarmDefinition, FIVE_MINUTES } from "./alarm-definition.ts";
import type { DeployedFunction } from "./deployed-functions.ts";

/** Functions whose failures the runbook tells apart. There may be several loaders. */
const ERROR_SECTIONS: readonly (readonly [name: RegExp, section: string])[] = [
  [/^Router$/, "router-errors"],
  [/^Sequencer$/, "sequencer"],
  [/^Fleet$/, "fleet-watch"],
  [/Loader$/, "loader-errors"],
];

/**
 * What may go wrong with any function. One that is not called has no errors, throttles or durations, so for these
 * nothing to measure is well.
 */
export function functionAlarms(
  { alarms }: WeirConfig,
  { name, function: handler, timeout, tick }: DeployedFunction,
): AlarmDefinition[] {
  // A function that is called seldom has one call in a period.
  const period = tick?.every ?? FIVE_MINUTES;
  const slow = Math.round((timeout.toMilliseconds() * alarms.durationPercent) / 100);
  return [
    {
      id: `${name}Errors`,
      means: `The function ${name} fails again and again.`,
      section: ERROR_SECTIONS.find(([names]) => names.test(name))?.[1] ?? "function-errors",
      metric: handler.metricErrors({ period, statistic: Stats.SUM }),
      threshold: 0,
      ...AGAIN_AND_AGAIN,
    },
    {
      id: `${name}Throttles`,
      means: `Lambda refuses to run the function ${name}, more than ${alarms.throttledCalls} times in a period.`,
      section: "throttled-functions",
      metric: handler.metricThrottles({ period, statistic: Stats.SUM }),
      threshold: alarms.throttledCalls,
      ...AGAIN_AND_AGAIN,
    },
    {
      id: `${name}Duration`,
      means: `The slowest calls of the function ${name} take more than ${alarms.durationPercent} % of its time-out.`,
      section: "slow-functions",
      metric: handler.metricDuration({ period, statistic: Stats.percentile(95) }),
      threshold: slow,
      ...AGAIN_AND_AGAIN,
    },
  ];
}

/** What may go wrong with a function that comes at a fixed rate. */
export function tickAlarms(
  { alarms }: WeirConfig,
  { name, function: handler, tick }: DeployedFunction,
): AlarmDefinition[] {
  if (tick === undefined) return [];
  return [
    {
      id: `${name}Silent`,
      means: `The function ${name} has not been called for three ticks.`,
      section: "silent-functions",
      metric: handler.metricInvocations({ period: tick.every, statistic: Stats.SUM }),
      threshold: 1,
      comparisonOperator: ComparisonOperator.LESS_THAN_THRESHOLD,
      evaluationPeriods: 3,
      // A function that nobody calls has no metric at all.
      treatMissingData: TreatMissingData.BREACHING,
    },
    {
      id: `${name}TicksUndelivered`,
      means: `Ticks of the function ${name} could not be delivered; they wait in a queue.`,
      section: "undelivered-ticks",
      // SQS stops telling of a queue that was left alone for six hours.
      metric: tick.undelivered.metricApproximateNumberOfMessagesVisible({
        period: FIVE_MINUTES,
        statistic: Stats.MAXIMUM,
      }),
      threshold: alarms.undeliveredTicks,
      evaluationPeriods: 1,
    },
  ];
}
