import type { _Record as KinesisRecord } from "@aws-sdk/client-kinesis";
import {
  eventPayload as payloadOf,
  kinesisEventRecord,
  type RecordOrigin,
} from "../../wire/kinesis-event.ts";

/** A Kinesis record on its way through a mapping. */
export interface StreamRecord {
  readonly sequenceNumber: string;
  readonly arrivedAtMs: number;
  /** Its element of the event's `Records`, as JSON text: built once, however often it is sent. */
  readonly entry: string;
  /** Bytes of `entry`. */
  readonly entryBytes: number;
}

/** The event, as Lambda hands it to a function mapped to the stream's ARN. */
export function eventPayload(records: readonly StreamRecord[]): string {
  return payloadOf(records.map(({ entry }) => entry));
}

export function toStreamRecord(record: KinesisRecord, origin: RecordOrigin): StreamRecord {
  const entry = JSON.stringify(kinesisEventRecord(record, origin));
  return {
    sequenceNumber: record.SequenceNumber!,
    arrivedAtMs: record.ApproximateArrivalTimestamp!.getTime(),
    entry,
    entryBytes: Buffer.byteLength(entry),
  };
}
