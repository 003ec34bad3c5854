import type { CommitRef } from "./commit-ref.ts";

/** A batch that the mapping gave up, as the failure destination has it. */
export interface FailedBatch {
  /** Of the object. */
  readonly key: string;
  readonly shardId: string;
  readonly firstSequenceNumber: string;
  readonly lastSequenceNumber: string;
  readonly records: number;
  readonly arrivedFrom: string;
  readonly arrivedTo: string;
}

interface Tracked {
  readonly batch: FailedBatch;
  readonly first: bigint;
  readonly last: bigint;
  /** Of its records, those that commits have. */
  found: number;
}

/** Failed batches, and how much of each is in commits by now: a replayed batch keeps its shard and sequence numbers. */
export class FailedBatches {
  readonly #shards = new Map<string, Tracked[]>();

  constructor(batches: readonly FailedBatch[]) {
    for (const batch of batches) {
      const { shardId, firstSequenceNumber, lastSequenceNumber } = batch;
      const [first, last] = [BigInt(firstSequenceNumber), BigInt(lastSequenceNumber)];
      const tracked = { batch, first, last, found: 0 };
      this.#shards.set(shardId, [...(this.#shards.get(shardId) ?? []), tracked]);
    }
  }

  /** @param records of a batch that has not come before */
  add({ origin, firstSequenceNumber, lastSequenceNumber }: CommitRef, records: number): void {
    const tracked = this.#shards.get(origin);
    if (tracked === undefined) return;
    const [first, last] = [BigInt(firstSequenceNumber), BigInt(lastSequenceNumber)];
    for (const failed of tracked) {
      if (first > failed.last || last < failed.first) continue;
      // A batch that holds all of it has all of its records; of one that holds some of it nobody knows how many.
      if (first <= failed.first && last >= failed.last) failed.found = failed.batch.records;
      else if (first >= failed.first && last <= failed.last) failed.found += records;
    }
  }

  /** Those of which no commit has all records. */
  *missing(): Generator<{ readonly batch: FailedBatch; readonly missing: number }> {
    for (const { batch, found } of [...this.#shards.values()].flat()) {
      if (found < batch.records) yield { batch, missing: batch.records - found };
    }
  }

  /** Keys of those that are all in commits. */
  get replayed(): string[] {
    return [...this.#shards.values()]
      .flat()
      .flatMap(({ batch, found }) => (found >= batch.records ? batch.key : []));
  }
}
