import { Duration } from "aws-cdk-lib";
import { Metric, Stats } from "aws-cdk-lib/aws-cloudwatch";
import type { IMetric } from "aws-cdk-lib/aws-cloudwatch";
import type { IStream } from "aws-cdk-lib/aws-kinesis";
import type { WeirConfig } from "../wire/config.ts";
import { type AlarmDefinition, FIVE_MINUTES } from "./alarm-definition.ts";
import type { Router } from "./router.ts";

/**
 * What may go wrong on the way from the stream to the lake. Each counts what goes wrong, so nothing to count is well;
 * and while no record comes, Lambda tells no iterator age.
 */
export function routerAlarms(
  { alarms }: WeirConfig,
  { function: handler, mapping }: Router,
  stream: IStream,
): AlarmDefinition[] {
  const mappingCount = (metricName: string): IMetric =>
    // source: Lambda's metrics reference, "Event source mapping metrics", read 2026-11
    new Metric({
      namespace: "AWS/Lambda",
      metricName,
      dimensionsMap: { EventSourceMappingUUID: mapping.eventSourceMappingId },
      statistic: Stats.SUM,
      period: FIVE_MINUTES,
    });
  return [
    {
      id: "IteratorAge",
      means: `The router is more than ${alarms.iteratorAgeMinutes} minutes behind the stream.`,
      section: "iterator-age",
      metric: handler.metric("IteratorAge", { statistic: Stats.MAXIMUM, period: FIVE_MINUTES }),
      threshold: Duration.minutes(alarms.iteratorAgeMinutes).toMilliseconds(),
      evaluationPeriods: 1,
    },
    {
      id: "BatchesGivenUp",
      means: "The router gave up on records; they wait in the failure bucket.",
      section: "batches-given-up",
      metric: mappingCount("OnFailureDestinationDeliveredEventCount"),
      threshold: 0,
      evaluationPeriods: 1,
    },
    {
      id: "RecordsDropped",
      means: "Records left the mapping without reaching lake or failure bucket; only the stream has them.",
      section: "records-dropped",
      metric: mappingCount("DroppedEventCount"),
      threshold: 0,
      evaluationPeriods: 1,
    },
    {
      id: "WritesThrottled",
      means: `The stream has refused records for ${alarms.writeThrottledMinutes} minutes in a row.`,
      section: "write-throttling",
      // source: "Amazon Kinesis Data Streams dimensions and metrics", read 2026-11
      metric: new Metric({
        namespace: "AWS/Kinesis",
        metricName: "WriteProvisionedThroughputExceeded",
        dimensionsMap: { StreamName: stream.streamName },
        statistic: Stats.SUM,
        period: Duration.minutes(1),
      }),
      threshold: 0,
      evaluationPeriods: alarms.writeThrottledMinutes,
    },
  ];
}
