import { Duration } from "aws-cdk-lib";
import { Metric, Stats } from "aws-cdk-lib/aws-cloudwatch";
import type { WeirConfig } from "../wire/config.ts";
import { type AlarmDefinition, FIVE_MINUTES, NAMESPACE } from "./alarm-definition.ts";
import type { Sequencer } from "./sequencer.ts";

/** What may go wrong on the way from the commits to their log. One that says nothing is silent, which is told apart. */
export function sequencerAlarms({ alarms }: WeirConfig, { function: handler }: Sequencer): AlarmDefinition[] {
  return [
    {
      id: "SequencerLag",
      means: `Commits have waited for their place in the log for more than ${alarms.sequencerLagMinutes} minutes.`,
      section: "sequencer",
      metric: new Metric({
        namespace: NAMESPACE,
        metricName: "SequencerLagSeconds",
        dimensionsMap: { service: handler.functionName },
        statistic: Stats.MAXIMUM,
        period: FIVE_MINUTES,
      }),
      threshold: Duration.minutes(alarms.sequencerLagMinutes).toSeconds(),
      evaluationPeriods: 1,
    },
  ];
}
