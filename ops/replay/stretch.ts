import type { FailureRecord } from "../../wire/failure-record.ts";
import type { Bound } from "./stream-reader.ts";

/** A stretch of one shard that is to be in the lake. */
export interface Stretch {
  readonly shardId: string;
  /** Included. */
  readonly from: Bound;
  readonly to: Bound;
  /** The batch that was given up: both bounds are records of it. Undefined for what an operator asked for. */
  readonly failure: FailureRecord | undefined;
  /** Key of its object in the failure bucket, which has its payload if there is one. */
  readonly object: string | undefined;
}

/** What is not replayed, and why. */
export interface Refused {
  readonly name: string;
  readonly why: string;
}

/** What of a stretch nobody can read any more. */
export interface Lost {
  readonly shardId: string;
  /** The first sequence number that may be lost, and the last: records between them are, if there were any. */
  readonly from?: string;
  readonly to?: string;
  /** When they arrived, as far as it is known. */
  readonly arrivedFrom?: string;
  readonly arrivedTo?: string;
  /** How many, where a failure record says. */
  readonly records?: number;
  readonly object?: string;
}

export function failureStretch(failure: FailureRecord, object?: string): Stretch {
  const { shardId, firstSequenceNumber, lastSequenceNumber } = failure;
  return {
    shardId,
    from: { sequence: BigInt(firstSequenceNumber) },
    to: { sequence: BigInt(lastSequenceNumber) },
    failure,
    object,
  };
}

/** Of one shard in order, so that what is asked for twice is found to be there; what begins at a time before the others. */
export function compareStretches(a: Stretch, b: Stretch): number {
  if (a.shardId !== b.shardId) return a.shardId < b.shardId ? -1 : 1;
  const [first, second] = [begin(a), begin(b)];
  return first < second ? -1 : Number(first > second);
}

const begin = ({ from }: Stretch): bigint => ("at" in from ? -1n : from.sequence);
