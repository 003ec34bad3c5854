import { RetentionDays } from "aws-cdk-lib/aws-logs";

/** @param days a number that CloudWatch Logs takes, as the configuration has it */
export function logRetention(days: number): RetentionDays {
  const taken = Object.values(RetentionDays).find((value): value is RetentionDays => Number(value) === days);
  if (taken === undefined) throw new RangeError(`CloudWatch Logs keeps no group for ${days} days`);
  return taken;
}
