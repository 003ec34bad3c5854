import { batches, type BatchLimits } from "./batches.ts";
import type { CommittedRecords } from "./committed-records.ts";
import type { ReplayRecord } from "./replay-record.ts";
import type { Lost, Stretch } from "./stretch.ts";
import type { StretchReader } from "./stretch-reader.ts";

/** What is to be replayed of a shard. */
export interface SurveyedShard {
  readonly shardId: string;
  /** Batches that were given up. */
  failures: number;
  records: number;
  bytes: number;
  /** Records that are in the lake already. */
  committed: number;
  /** When the oldest of the records arrived. */
  oldestAt: Date | undefined;
}

export interface Survey {
  readonly shards: readonly SurveyedShard[];
  readonly lost: readonly Lost[];
  readonly notes: readonly string[];
}

export interface SurveyParts {
  readonly reader: StretchReader;
  readonly committed: CommittedRecords;
  readonly limits: BatchLimits;
  readonly onStretch: (done: number) => void;
}

/** Whether nothing is left to do about a batch that was given up. */
export function isCommitted({ shardId, failure }: Stretch, committed: CommittedRecords): boolean {
  if (failure === undefined) return false;
  const interval = {
    first: BigInt(failure.firstSequenceNumber),
    last: BigInt(failure.lastSequenceNumber),
  };
  return committed.covers(shardId, interval, failure.records);
}

/** Tells records that the mapping may not have come to yet: of what was asked for, those after all that is committed. */
export function aheadOf(
  { shardId, failure }: Stretch,
  committed: CommittedRecords,
): (record: ReplayRecord) => boolean {
  const last = committed.ends(shardId)?.last;
  return ({ sequence }) => failure === undefined && (last === undefined || sequence > last);
}

export const aheadNote = (shardId: string, records: number): string =>
  `${shardId}: ${records} records come after all that is committed. The mapping may yet bring them: the lake would have them twice then, the tables once`;

/** Reads everything that a replay would, and counts it. */
export async function survey(
  stretches: readonly Stretch[],
  { reader, committed, limits, onStretch }: SurveyParts,
): Promise<Survey> {
  const remarks: { lost: Lost[]; notes: string[] } = { lost: [], notes: [] };
  const shards = new Map<string, SurveyedShard>();
  for (const [done, stretch] of stretches.entries()) {
    onStretch(done);
    const { shardId, failure } = stretch;
    const shard = shards.get(shardId) ?? emptyShard(shardId);
    shards.set(shardId, shard);
    if (failure) shard.failures++;
    if (failure && isCommitted(stretch, committed)) {
      shard.committed += failure.records;
      continue;
    }
    const onCommitted = (): void => void shard.committed++;
    const isAhead = aheadOf(stretch, committed);
    let ahead = 0;
    const options = { shardId, committed, limits, onCommitted };
    for await (const batch of batches(reader.read(stretch, remarks), options)) {
      for (const record of batch) {
        count(shard, record);
        if (isAhead(record)) ahead++;
      }
    }
    if (ahead > 0) remarks.notes.push(aheadNote(shardId, ahead));
  }
  return { shards: [...shards.values()], ...remarks };
}

function count(shard: SurveyedShard, { bytes, arrivedAt }: ReplayRecord): void {
  shard.records++;
  shard.bytes += bytes;
  if (shard.oldestAt === undefined || arrivedAt < shard.oldestAt) shard.oldestAt = arrivedAt;
}

function emptyShard(shardId: string): SurveyedShard {
  return {
    shardId,
    failures: 0,
    records: 0,
    bytes: 0,
    committed: 0,
    oldestAt: undefined,
  };
}
