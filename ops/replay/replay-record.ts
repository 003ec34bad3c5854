import * as z from "zod";
import { toDotPath } from "zod/v4/core";
import type { FailureRecord } from "../../wire/failure-record.ts";
import type { KinesisEventRecord } from "../../wire/kinesis-event.ts";
import { WireError } from "../../wire/wire-error.ts";

/** A record of the stream on its way to the router, as Lambda's event has it. */
export interface ReplayRecord {
  readonly sequence: bigint;
  readonly arrivedAt: Date;
  /** Bytes of its data. */
  readonly bytes: number;
  readonly entry: KinesisEventRecord;
  /** Bytes of `entry` as JSON. */
  readonly entryBytes: number;
}

export function replayRecord(entry: KinesisEventRecord): ReplayRecord {
  const { sequenceNumber, data, approximateArrivalTimestamp } = entry.kinesis;
  return {
    sequence: BigInt(sequenceNumber),
    arrivedAt: new Date(Math.round(approximateArrivalTimestamp * 1_000)),
    bytes: Buffer.byteLength(data, "base64"),
    entry,
    entryBytes: Buffer.byteLength(JSON.stringify(entry)),
  };
}

const payloadSchema = z.object({
  Records: z.array(
    z.looseObject({
      kinesis: z.looseObject({
        sequenceNumber: z.string().regex(/^\d+$/),
        partitionKey: z.string(),
        data: z.base64(),
        approximateArrivalTimestamp: z.number(),
      }),
      eventID: z.string(),
      eventSourceARN: z.string(),
    }),
  ),
});

/**
 * The records that a failure record brings along.
 *
 * @throws WireError BAD_FAILURE_RECORD where they are not those that it names
 */
export function payloadRecords(failure: FailureRecord, payload: string, name: string): ReplayRecord[] {
  const bad = (why: string, cause?: unknown): WireError =>
    new WireError("BAD_FAILURE_RECORD", `the payload of ${name} ${why}`, undefined, { cause });
  let value: unknown;
  try {
    value = JSON.parse(payload);
  } catch (cause) {
    throw bad("is no JSON, or cut off", cause);
  }
  const { data, error } = payloadSchema.safeParse(value);
  if (error) {
    const [issue] = error.issues;
    throw bad(`is no event of Kinesis: ${toDotPath(issue!.path)}: ${issue!.message}`, error);
  }
  const records = data.Records.map((entry) => replayRecord(entry as unknown as KinesisEventRecord));
  const { shardId, firstSequenceNumber, lastSequenceNumber } = failure;
  const ends = [records[0]?.sequence, records.at(-1)?.sequence];
  if (ends[0] !== BigInt(firstSequenceNumber) || ends[1] !== BigInt(lastSequenceNumber)) {
    throw bad(`does not go from ${firstSequenceNumber} to ${lastSequenceNumber}`);
  }
  if (records.length !== failure.records) {
    throw bad(`has ${records.length} records of ${failure.records}`);
  }
  const stray = records.find(
    ({ sequence, entry }, i) =>
      entry.eventID !== `${shardId}:${entry.kinesis.sequenceNumber}` ||
      (i > 0 && sequence <= records[i - 1]!.sequence),
  );
  if (stray) throw bad(`is not a run of ${shardId}: record ${stray.entry.eventID}`);
  return records;
}
