import * as z from "zod";
import { toDotPath } from "zod/v4/core";
import { WireError } from "./wire-error.ts";

/**
 * What Lambda writes of a batch that its event source mapping gave up.
 *
 * aws/lambda/<mapping uuid>/<shard id>/YYYY/MM/DD/YYYY-MM-DDTHH.MM.SS-<uuid>      an object of an S3 destination
 *
 * SQS and SNS destinations have the same but for `payload`, the whole event as text.
 * source: https://docs.aws.amazon.com/lambda/latest/dg/kinesis-on-failure-destination.html, read 2026-11
 */
export const FAILURES_PREFIX = "aws/lambda/";

/** Where a batch goes that is in the lake by now; its key follows. */
export const REPLAYED_PREFIX = "replayed/";

const sequenceNumber = z.string().regex(/^\d+$/, "not a sequence number");

const failureRecordSchema = z.object({
  requestContext: z.object({ functionArn: z.string(), condition: z.string() }),
  KinesisBatchInfo: z.object({
    shardId: z.string().regex(/^shardId-\d{12}$/, "not a shard"),
    startSequenceNumber: sequenceNumber,
    endSequenceNumber: sequenceNumber,
    approximateArrivalOfFirstRecord: z.coerce.date(),
    approximateArrivalOfLastRecord: z.coerce.date(),
    batchSize: z.int().min(1),
    streamArn: z.string(),
  }),
  payload: z.string().optional(),
});

/** A batch that was given up. Both ends are its own. */
export interface FailureRecord {
  readonly shardId: string;
  readonly firstSequenceNumber: string;
  readonly lastSequenceNumber: string;
  readonly arrivedFrom: Date;
  readonly arrivedTo: Date;
  readonly records: number;
  /** Of the stream, whether or not its mapping is of one of its consumers. */
  readonly streamArn: string;
  readonly functionArn: string;
  /** Why, in Lambda's words. */
  readonly condition: string;
  /** The event; undefined where only the stream has the records. */
  readonly payload: string | undefined;
}

/**
 * Reads a failure record. A payload that came through a consumer is left out: Lambda has taken its aggregates apart, so
 * that its records have no sequence numbers of their own.
 *
 * @param value the parsed JSON
 * @param name of the object or file, named in the error
 * @throws WireError BAD_FAILURE_RECORD
 */
export function parseFailureRecord(value: unknown, name: string): FailureRecord {
  const { data, error } = failureRecordSchema.safeParse(value);
  if (error) {
    const [issue] = error.issues;
    const message = `${name} is no failure record: ${toDotPath(issue!.path)}: ${issue!.message}`;
    throw new WireError("BAD_FAILURE_RECORD", message, undefined, { cause: error });
  }
  const { requestContext, KinesisBatchInfo: batch, payload } = data;
  const [streamArn = "", consumer] = batch.streamArn.split("/consumer/");
  return {
    shardId: batch.shardId,
    firstSequenceNumber: batch.startSequenceNumber,
    lastSequenceNumber: batch.endSequenceNumber,
    arrivedFrom: batch.approximateArrivalOfFirstRecord,
    arrivedTo: batch.approximateArrivalOfLastRecord,
    records: batch.batchSize,
    streamArn,
    functionArn: requestContext.functionArn,
    condition: requestContext.condition,
    payload: consumer === undefined ? payload : undefined,
  };
}
