import { readAhead } from "../../lambdas/commit-log/read-ahead.ts";
import { WireError } from "../../wire/wire-error.ts";
import type { Place } from "../access/place.ts";
import { FailureBucket } from "../replay/failure-bucket.ts";
import type { FailedBatch } from "./failed-batches.ts";

/** Their heads are read one by one; whoever has more has them replayed first. */
const MAX_FAILURES = 10_000;
const READ_AHEAD = { items: 16, bytes: Infinity };

export interface Failures {
  readonly batches: readonly FailedBatch[];
  /** Objects that are no failure records, with the reason. */
  readonly unreadable: readonly { readonly key: string; readonly error: Error }[];
  /** There are more than were looked at. */
  readonly hasMore: boolean;
}

/** Undefined where another operator has moved it meanwhile. */
type Described = FailedBatch | { readonly error: Error } | undefined;

/** The batches that wait in the failure bucket. */
export async function readFailures({ s3, failureBucket }: Place): Promise<Failures> {
  const bucket = new FailureBucket(s3, failureBucket);
  const batches: FailedBatch[] = [];
  const unreadable: { key: string; error: Error }[] = [];
  const keys = async function* (): AsyncGenerator<{ key: string; bytes: number }> {
    for await (const key of bucket.keys()) yield { key, bytes: 0 };
  };
  const read = async ({ key }: { readonly key: string }): Promise<Described> => {
    try {
      const described = await bucket.describe(key);
      if (described === undefined) return undefined;
      const { shardId, firstSequenceNumber, lastSequenceNumber, records, ...arrived } = described;
      const [arrivedFrom, arrivedTo] = [arrived.arrivedFrom.toISOString(), arrived.arrivedTo.toISOString()];
      return { key, shardId, firstSequenceNumber, lastSequenceNumber, records, arrivedFrom, arrivedTo };
    } catch (error) {
      return { error: error as Error };
    }
  };
  for await (const { item, result } of readAhead(keys(), read, READ_AHEAD)) {
    if (batches.length + unreadable.length === MAX_FAILURES) return { batches, unreadable, hasMore: true };
    if (result === undefined) continue;
    if (!("error" in result)) batches.push(result);
    else if (result.error instanceof WireError) unreadable.push({ key: item.key, error: result.error });
    else throw result.error;
  }
  return { batches, unreadable, hasMore: false };
}
