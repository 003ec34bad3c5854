import { Duration } from "aws-cdk-lib";
import type { AlarmProps, ComparisonOperator, TreatMissingData } from "aws-cdk-lib/aws-cloudwatch";

/** What the functions emit themselves. Their dimension `service` is the function's name. */
export const NAMESPACE = "Weir";

export const FIVE_MINUTES = Duration.minutes(5);

/** An alarm: on while the metric is above its threshold, off while there is nothing to measure. */
export interface AlarmDefinition extends Omit<
  AlarmProps,
  "alarmDescription" | "comparisonOperator" | "treatMissingData"
> {
  readonly id: string;
  /** What it means, in a sentence. */
  readonly means: string;
  /** Its heading in docs/runbook.md, as the heading's anchor. */
  readonly section: string;
  /** It shows, and publishes nothing: somebody else has told it, and better. */
  readonly isQuiet?: boolean;
  /** @default GREATER_THAN_THRESHOLD */
  readonly comparisonOperator?: ComparisonOperator;
  /** @default NOT_BREACHING */
  readonly treatMissingData?: TreatMissingData;
}

/** Two periods of three: what happens once is made good by a retry, or the next tick. */
export const AGAIN_AND_AGAIN = { evaluationPeriods: 3, datapointsToAlarm: 2 } as const;
