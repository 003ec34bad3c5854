import type { _Record as KinesisRecord } from "@aws-sdk/client-kinesis";

/** A Kinesis record on its way through a mapping. */
export interface StreamRecord {
  readonly sequenceNumber: string;
  readonly arrivedAtMs: number;
  /** Its element of the event's `Records`, as JSON text: built once, however often it is sent. */
  readonly entry: string;
  /** Bytes of `entry`. */
  readonly entryBytes: number;
}

/** What every record of a shard's events says alike. */
export interface RecordOrigin {
  readonly shardId: string;
  readonly streamArn: string;
  readonly region: string;
  readonly invokeIdentityArn: string;
}

const HEAD = `{"Records":[`;
const TAIL = `]}`;

/** Bytes of an event around its entries; each entry but the first has a comma before it. */
export const EVENT_FRAME_BYTES = HEAD.length + TAIL.length;

/**
 * The event, as Lambda hands it to a function mapped to the stream's ARN.
 * source: https://docs.aws.amazon.com/lambda/latest/dg/with-kinesis.html, read 2026-11
 */
export function eventPayload(records: readonly StreamRecord[]): string {
  return HEAD + records.map(({ entry }) => entry).join(",") + TAIL;
}

export function toStreamRecord(record: KinesisRecord, origin: RecordOrigin): StreamRecord {
  const sequenceNumber = record.SequenceNumber!;
  const data = record.Data!;
  const arrivedAtMs = record.ApproximateArrivalTimestamp!.getTime();
  const entry = JSON.stringify({
    kinesis: {
      kinesisSchemaVersion: "1.0",
      partitionKey: record.PartitionKey!,
      sequenceNumber,
      data: Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString("base64"),
      approximateArrivalTimestamp: arrivedAtMs / 1_000,
    },
    eventSource: "aws:kinesis",
    eventVersion: "1.0",
    eventID: `${origin.shardId}:${sequenceNumber}`,
    eventName: "aws:kinesis:record",
    invokeIdentityArn: origin.invokeIdentityArn,
    awsRegion: origin.region,
    eventSourceARN: origin.streamArn,
  });
  return { sequenceNumber, arrivedAtMs, entry, entryBytes: Buffer.byteLength(entry) };
}
