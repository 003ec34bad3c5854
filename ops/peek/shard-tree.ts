import type { Shard } from "@aws-sdk/client-kinesis";

/**
 * Which shards of a stream are to be read, and when: a child begins once its parents are read to their ends, so that what
 * is of one partition key comes in order over a re-shard. Each shard is begun once.
 */
export class ShardTree {
  readonly #parents = new Map<string, readonly string[]>();
  readonly #begun = new Set<string>();
  readonly #ended = new Set<string>();
  /** Closed shards whose children no listing has named yet. */
  readonly #childless = new Set<string>();

  /** @param isFirst the shards that are closed already are left out: reading begins with what comes now */
  listed(shards: readonly Shard[], isFirst = false): void {
    for (const { ShardId, ParentShardId, AdjacentParentShardId, SequenceNumberRange } of shards) {
      const parents = [ParentShardId, AdjacentParentShardId].filter((parent) => parent !== undefined);
      for (const parent of parents) this.#childless.delete(parent);
      this.#parents.set(ShardId!, parents);
      if (isFirst && SequenceNumberRange?.EndingSequenceNumber !== undefined) this.#begun.add(ShardId!);
    }
    if (isFirst) for (const shardId of this.#begun) this.ended(shardId);
  }

  /** A shard was read to its end, or is no more. */
  ended(shardId: string): void {
    this.#ended.add(shardId);
    if (![...this.#parents.values()].some((parents) => parents.includes(shardId)))
      this.#childless.add(shardId);
  }

  /** Shards that begin now. A parent that no listing names has outlived its retention. */
  begin(): string[] {
    const isDone = (parent: string): boolean => this.#ended.has(parent) || !this.#parents.has(parent);
    const ready = [...this.#parents].flatMap(([shardId, parents]) =>
      !this.#begun.has(shardId) && parents.every(isDone) ? [shardId] : [],
    );
    for (const shardId of ready) this.#begun.add(shardId);
    return ready;
  }

  /** Whether a listing is due: a shard ended, and who goes on is not known. */
  get hasUnknownChildren(): boolean {
    return this.#childless.size > 0;
  }
}
