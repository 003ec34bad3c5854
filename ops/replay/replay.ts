import type { CommittedRecords } from "./committed-records.ts";
import type { Drive, Driven } from "./drive.ts";
import type { Done, FailureBucket } from "./failure-bucket.ts";
import { neighbours } from "./neighbours.ts";
import type { Stretch } from "./stretch.ts";
import { isCommitted } from "./survey.ts";

/** Shards at a time: each waits for its invocations. */
const CONCURRENT_SHARDS = 4;

/** Objects at a time that are moved or removed. */
const CONCURRENT_OBJECTS = 16;

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

export interface ReplayParts {
  readonly drive: Drive;
  readonly committed: CommittedRecords;
  readonly bucket: FailureBucket;
  /** What becomes of an object as soon as all of its batch is in the lake. */
  readonly done: Done;
  /** Records of an invocation. */
  readonly maxRecords: number;
  /** The stream may have lost what arrived before. */
  readonly readableFrom: Date;
}

/** Drives the stretches of each shard in order, several shards at a time. */
export async function replay(stretches: readonly Stretch[], parts: ReplayParts): Promise<Replayed> {
  const { drive, committed, maxRecords, readableFrom } = parts;
  const driven: Driven[] = [];
  const left: string[] = [];
  const settling = new Settling(parts);
  const shards = Map.groupBy(stretches, ({ shardId }) => shardId).values();
  let stopped: string | undefined;
  /** Whatever a service or the network refuses ends the replay, and what was done until then is told. */
  const drivenBy = async (work: () => Promise<Driven>): Promise<Driven | undefined> => {
    if (stopped !== undefined) return undefined;
    try {
      const one = await work();
      driven.push(one);
      stopped ??= one.stopped;
      return one;
    } catch (error) {
      if (!isRefusal(error)) throw error;
      stopped = `${error.name}: ${error.message}`;
      return undefined;
    }
  };
  const driveShard = async (shard: readonly Stretch[]): Promise<void> => {
    const open = shard.filter((stretch) => !isCommitted(stretch, committed));
    const groups = neighbours(open, maxRecords, readableFrom);
    const tried = new Set(groups.flatMap((group) => group.stretches));
    for (const group of groups) await drivenBy(() => drive.together(group));
    for (const stretch of shard) {
      const { object } = stretch;
      const one = await drivenBy(() => drive.stretch(stretch, tried.has(stretch)));
      if (object === undefined) continue;
      if (one?.complete) await settling.add(object);
      else left.push(object);
    }
  };
  const work = async (): Promise<void> => {
    for (const shard of shards) await driveShard(shard);
  };
  await Promise.all(Array.from({ length: CONCURRENT_SHARDS }, work));
  return { driven, objects: { ...(await settling.end()), left }, stopped };
}

/** What AWS answers, or what is said where it does not answer; anything else is a defect. */
function isRefusal(error: unknown): error is Error {
  return error instanceof Error && ("$metadata" in error || "code" in error);
}

/** Clears objects away beside the work. */
class Settling {
  readonly #bucket: FailureBucket;
  readonly #as: Done;
  readonly #running = new Set<Promise<void>>();
  readonly #done: string[] = [];
  readonly #refused: { key: string; error: string }[] = [];

  constructor({ bucket, done }: Pick<ReplayParts, "bucket" | "done">) {
    this.#bucket = bucket;
    this.#as = done;
  }

  async add(key: string): Promise<void> {
    while (this.#running.size >= CONCURRENT_OBJECTS) await Promise.race(this.#running);
    const running = this.#settle(key).finally(() => this.#running.delete(running));
    this.#running.add(running);
  }

  async end(): Promise<Pick<Settled, "done" | "refused">> {
    await Promise.all(this.#running);
    return { done: this.#done, refused: this.#refused };
  }

  async #settle(key: string): Promise<void> {
    try {
      await this.#bucket.settle(key, this.#as);
      this.#done.push(key);
    } catch (error) {
      this.#refused.push({ key, error: (error as Error).message });
    }
  }
}
