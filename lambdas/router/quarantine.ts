import type { QuarantinedRecord } from "../../wire/quarantine.ts";
import type { WireError } from "../../wire/wire-error.ts";
import type { StreamRecord } from "./stream-record.ts";

/** A record that could not be opened, or that states or makes more than a batch should hold. */
export interface Quarantined {
  readonly record: StreamRecord;
  readonly error: WireError;
}

/** Records of a batch that were quarantined for one reason. */
export interface QuarantineReason {
  /** Error of the first record. */
  readonly error: WireError;
  readonly count: number;
  /** Sequence numbers of the first few records. */
  readonly sequenceNumbers: readonly string[];
}

/** What is told of a reason does not grow with the records: their number is for producers to decide. */
const TOLD_RECORDS = 5;

export function quarantineReasons(quarantined: readonly Quarantined[]): QuarantineReason[] {
  return [...Map.groupBy(quarantined, ({ error }) => error.code).values()].map((some) => ({
    error: some[0]!.error,
    count: some.length,
    sequenceNumbers: some.slice(0, TOLD_RECORDS).map(({ record }) => record.sequenceNumber),
  }));
}

/** The record's line in a quarantine object of this origin. */
export function quarantineLine({ record, error }: Quarantined, origin: string): Buffer {
  const { shardId, sequenceNumber, partitionKey, arrivedAt, data } = record;
  const line: QuarantinedRecord = {
    reason: error.code,
    detail: error.message,
    ...(shardId === origin ? {} : { shardId }),
    sequenceNumber,
    partitionKey,
    arrivedAt: arrivedAt.toISOString(),
    data: Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString("base64"),
  };
  return Buffer.from(`${JSON.stringify(line)}\n`);
}
