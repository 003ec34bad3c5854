import type { WeirConfig } from "../wire/config.ts";

/**
 * The configuration for a laptop, which stands in for what a stack makes and has nothing of the user's account: a new
 * stream, bucket, key and topic in place of those that exist. A warehouse that exists keeps its name.
 */
export function withStandIns({ stack, stream, lake, alarms, ...config }: WeirConfig): WeirConfig {
  return {
    ...config,
    stack: { ...stack, account: undefined, region: undefined, keyArn: undefined },
    stream:
      stream.kind === "existing" ? { mode: "on-demand", retentionHours: stream.retentionHours } : stream,
    lake: { ...lake, bucket: undefined },
    alarms: { ...alarms, topicArn: undefined },
  };
}
