import type { Drive, Driven } from "./drive.ts";
import type { Done, FailureBucket } from "./failure-bucket.ts";
import type { Stretch } from "./stretch.ts";

/** Shards at a time: each waits for its invocations. */
const CONCURRENT_SHARDS = 4;

/** What became of the objects of the failure bucket. */
export interface Settled {
  /** Moved, removed or kept, as was asked: all of each is in the lake. */
  readonly done: readonly string[];
  /** In the lake as well, and still there since S3 refused. */
  readonly refused: readonly { readonly key: string; readonly error: string }[];
  /** Not all of them is in the lake. */
  readonly left: readonly string[];
}

export interface Replayed {
  readonly driven: readonly Driven[];
  readonly objects: Settled;
  /** Why it stopped before the end. */
  readonly stopped: string | undefined;
}

/**
 * Drives the stretches of each shard in order, several shards at a time, and clears each object away as soon as all of
 * its batch is in the lake.
 */
export async function replay(
  stretches: readonly Stretch[],
  drive: Drive,
  bucket: FailureBucket,
  done: Done,
): Promise<Replayed> {
  const driven: Driven[] = [];
  const objects = { done: [] as string[], refused: [] as Settled["refused"][number][], left: [] as string[] };
  const shards = Map.groupBy(stretches, ({ shardId }) => shardId).values();
  let stopped: string | undefined;
  const work = async (): Promise<void> => {
    for (const shard of shards) {
      for (const stretch of shard) {
        const { object } = stretch;
        if (stopped !== undefined) {
          if (object !== undefined) objects.left.push(object);
          continue;
        }
        const one = await drive.stretch(stretch);
        driven.push(one);
        stopped ??= one.stopped;
        if (object === undefined) continue;
        if (!one.complete) objects.left.push(object);
        else await settle(object);
      }
    }
  };
  const settle = async (key: string): Promise<void> => {
    try {
      await bucket.settle(key, done);
      objects.done.push(key);
    } catch (error) {
      objects.refused.push({ key, error: (error as Error).message });
    }
  };
  await Promise.all(Array.from({ length: CONCURRENT_SHARDS }, work));
  return { driven, objects, stopped };
}
