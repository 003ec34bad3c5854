import type { KinesisStreamEvent, KinesisStreamRecord } from "aws-lambda";
import { RouterError } from "./router-error.ts";

/** A Kinesis record, as an event source mapping or a replay hands it over. */
export interface StreamRecord {
  readonly shardId: string;
  readonly sequenceNumber: string;
  readonly partitionKey: string;
  /** When Kinesis took it. */
  readonly arrivedAt: Date;
  readonly data: Uint8Array;
}

/**
 * The records of an event source mapping's event, in order.
 *
 * @throws RouterError MAPPED_CONSUMER: Lambda would have taken the aggregates apart, and every user record
 * of one would carry the same sequence number, which is no identity
 */
export function streamRecords({ Records }: KinesisStreamEvent): StreamRecord[] {
  const consumer = Records.find(({ eventSourceARN }) => eventSourceARN.includes("/consumer/"));
  if (consumer) {
    throw new RouterError(
      "MAPPED_CONSUMER",
      `events come from ${consumer.eventSourceARN}`,
      "map the stream's own ARN, not an enhanced fan-out consumer's",
    );
  }
  return Records.map(streamRecord);
}

/** `eventID` is `<shardId>:<sequenceNumber>`; arrival is in seconds with a fraction. */
function streamRecord({ eventID, kinesis }: KinesisStreamRecord): StreamRecord {
  return {
    shardId: eventID.slice(0, eventID.indexOf(":")),
    sequenceNumber: kinesis.sequenceNumber,
    partitionKey: kinesis.partitionKey,
    arrivedAt: new Date(Math.round(kinesis.approximateArrivalTimestamp * 1_000)),
    data: Buffer.from(kinesis.data, "base64"),
  };
}
