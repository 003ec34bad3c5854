import type { KinesisClient } from "@aws-sdk/client-kinesis";
import type { MetricDatum } from "@aws-sdk/client-cloudwatch";
import { orAborted } from "../../kinesis/or-aborted.ts";
import type { CloudWatchConfig } from "../../config/cloudwatch-config.ts";

export type SendMetrics = (data: readonly MetricDatum[], signal: AbortSignal) => Promise<void>;

/**
 * Sends by PutMetricData, with the credentials, connections and kind of endpoint that Kinesis is asked
 * with. CloudWatch's client is loaded when there is something to send, not at the start.
 */
export function cloudWatchSender(
  { namespace, region, endpoint }: CloudWatchConfig,
  kinesis: Pick<KinesisClient, "config">,
): SendMetrics {
  return async (data, signal) => {
    const { CloudWatchClient, PutMetricDataCommand } = await import("@aws-sdk/client-cloudwatch");
    const { credentials, requestHandler, useFipsEndpoint, useDualstackEndpoint } = kinesis.config;
    // Not closed: its connections are the other client's, and it holds nothing else.
    const client = new CloudWatchClient({
      region: region ?? kinesis.config.region,
      ...(endpoint === undefined ? {} : { endpoint }),
      credentials,
      requestHandler,
      useFipsEndpoint,
      useDualstackEndpoint,
      maxAttempts: 1,
    });
    const command = new PutMetricDataCommand({ Namespace: namespace, MetricData: [...data] });
    await orAborted(client.send(command, { abortSignal: signal }), signal);
  };
}
