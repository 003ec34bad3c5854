import { EVENT_FRAME_BYTES } from "../../wire/kinesis-event.ts";
import type { CommittedRecords } from "./committed-records.ts";
import type { ReplayRecord } from "./replay-record.ts";

/** What an invocation takes. */
export interface BatchLimits {
  readonly records: number;
  /** Of the event. */
  readonly bytes: number;
}

export interface BatchOptions {
  readonly shardId: string;
  readonly committed: CommittedRecords;
  readonly limits: BatchLimits;
  /** Told of each record that is left out, since it is in the lake. */
  readonly onCommitted?: (record: ReplayRecord) => void;
  /** Whether a record is asked for; all are if absent. */
  readonly isWanted?: (record: ReplayRecord) => boolean;
}

/**
 * Cuts consecutive records of a shard into batches of those that are wanted and not committed. No batch goes over any
 * other record, so that each is a run without holes, as its commit will say.
 *
 * A record larger than the limit is a batch of its own.
 */
export async function* batches(
  records: AsyncIterable<ReplayRecord>,
  { shardId, committed, limits, onCommitted, isWanted }: BatchOptions,
): AsyncGenerator<readonly ReplayRecord[]> {
  let batch: ReplayRecord[] = [];
  let bytes = EVENT_FRAME_BYTES;
  for await (const record of records) {
    const { sequence, entryBytes } = record;
    const isCommitted = committed.has(shardId, sequence);
    const isTaken = !isCommitted && (isWanted?.(record) ?? true);
    const before = batch.at(-1);
    const isFull = batch.length >= limits.records || bytes + 1 + entryBytes > limits.bytes;
    if (before && (!isTaken || isFull || committed.liesBetween(shardId, before.sequence, sequence))) {
      yield batch;
      batch = [];
      bytes = EVENT_FRAME_BYTES;
    }
    if (isCommitted) onCommitted?.(record);
    if (!isTaken) continue;
    bytes += entryBytes + (batch.length === 0 ? 0 : 1);
    batch.push(record);
  }
  if (batch.length > 0) yield batch;
}
