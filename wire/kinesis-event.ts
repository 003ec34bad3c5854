/**
 * A record of the event that Lambda hands a function mapped to a stream's ARN.
 * source: https://docs.aws.amazon.com/lambda/latest/dg/with-kinesis.html, read 2026-11
 */
export interface KinesisEventRecord {
  readonly kinesis: {
    readonly kinesisSchemaVersion: string;
    readonly partitionKey: string;
    readonly sequenceNumber: string;
    /** Base64. */
    readonly data: string;
    /** Seconds, with a fraction. */
    readonly approximateArrivalTimestamp: number;
  };
  readonly eventSource: string;
  readonly eventVersion: string;
  /** `<shardId>:<sequenceNumber>`. */
  readonly eventID: string;
  readonly eventName: string;
  readonly invokeIdentityArn: string;
  readonly awsRegion: string;
  readonly eventSourceARN: string;
}

/** What every record of a shard's events says alike. */
export interface RecordOrigin {
  readonly shardId: string;
  readonly streamArn: string;
  readonly region: string;
  readonly invokeIdentityArn: string;
}

/** A record as GetRecords gives it. */
interface GotRecord {
  readonly SequenceNumber?: string | undefined;
  readonly PartitionKey?: string | undefined;
  readonly Data?: Uint8Array | undefined;
  readonly ApproximateArrivalTimestamp?: Date | undefined;
}

export function kinesisEventRecord(record: GotRecord, origin: RecordOrigin): KinesisEventRecord {
  const { SequenceNumber, PartitionKey, Data, ApproximateArrivalTimestamp } = record;
  const data = Data!;
  return {
    kinesis: {
      kinesisSchemaVersion: "1.0",
      partitionKey: PartitionKey!,
      sequenceNumber: SequenceNumber!,
      data: Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString("base64"),
      approximateArrivalTimestamp: ApproximateArrivalTimestamp!.getTime() / 1_000,
    },
    eventSource: "aws:kinesis",
    eventVersion: "1.0",
    eventID: `${origin.shardId}:${SequenceNumber!}`,
    eventName: "aws:kinesis:record",
    invokeIdentityArn: origin.invokeIdentityArn,
    awsRegion: origin.region,
    eventSourceARN: origin.streamArn,
  };
}

const HEAD = `{"Records":[`;
const TAIL = `]}`;

/** Bytes of an event around its records; each record but the first has a comma before it. */
export const EVENT_FRAME_BYTES = HEAD.length + TAIL.length;

/** @param records as JSON text */
export function eventPayload(records: readonly string[]): string {
  return HEAD + records.join(",") + TAIL;
}
