import type { Batch, GiveUpCondition } from "./batch-queue.ts";
import { eventPayload } from "./stream-record.ts";

/**
 * What Lambda writes to an S3 failure destination: the batch's metadata, and the event itself as
 * text. `responseContext` is left out for a batch that the function never saw.
 *
 * source: https://docs.aws.amazon.com/lambda/latest/dg/kinesis-on-failure-destination.html, read 2026-11
 */
export interface FailureContext {
  readonly functionArn: string;
  readonly streamArn: string;
  readonly shardId: string;
  readonly condition: GiveUpCondition;
  readonly at: Date;
  /** Names the invocation when there was none. */
  readonly uuid: string;
}

export function failureRecord(batch: Batch, context: FailureContext): string {
  const { records, invocations, answer } = batch;
  const [first, last] = [records[0]!, records.at(-1)!];
  return JSON.stringify({
    requestContext: {
      requestId: answer?.requestId ?? context.uuid,
      functionArn: context.functionArn,
      condition: context.condition,
      approximateInvokeCount: invocations,
    },
    ...(answer && {
      responseContext: { statusCode: 200, executedVersion: "$LATEST", functionError: answer.functionError },
    }),
    version: "1.0",
    timestamp: context.at.toISOString(),
    KinesisBatchInfo: {
      shardId: context.shardId,
      startSequenceNumber: first.sequenceNumber,
      endSequenceNumber: last.sequenceNumber,
      approximateArrivalOfFirstRecord: new Date(first.arrivedAtMs).toISOString(),
      approximateArrivalOfLastRecord: new Date(last.arrivedAtMs).toISOString(),
      batchSize: records.length,
      streamArn: context.streamArn,
    },
    payload: eventPayload(records),
  });
}

/** aws/lambda/<mapping uuid>/<shard id>/YYYY/MM/DD/YYYY-MM-DDTHH.MM.SS-<uuid> */
export function failureKey(mappingUuid: string, shardId: string, at: Date, uuid: string): string {
  const instant = at.toISOString();
  const day = instant.slice(0, 10).replaceAll("-", "/");
  const second = instant.slice(0, 19).replaceAll(":", ".");
  return `aws/lambda/${mappingUuid}/${shardId}/${day}/${second}-${uuid}`;
}
