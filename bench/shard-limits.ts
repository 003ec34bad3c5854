import { SHARD_WRITE_BYTES_PER_SECOND, SHARD_WRITE_RECORDS_PER_SECOND } from "../wire/limits.ts";

/** What a shard took in the second that began at `atMs`. */
interface Second {
  readonly atMs: number;
  bytes: number;
  records: number;
}

/**
 * The limits of a stream's shards, for stand-ins of Kinesis: each shard takes so much in a second, and
 * refuses record by record what goes beyond. A shard's second begins with the first record after the last.
 */
export class ShardLimits {
  /** Of the limits; other producers use up the rest. */
  share: number;
  /** Records that were refused. */
  refused = 0;
  readonly #seconds = new Map<string, Second>();

  constructor(share = 1) {
    this.share = share;
  }

  /** @param bytes of data and partition key */
  takes(shardId: string, bytes: number, nowMs: number): boolean {
    let second = this.#seconds.get(shardId);
    if (second === undefined || nowMs - second.atMs >= 1_000) {
      second = { atMs: nowMs, bytes: 0, records: 0 };
      this.#seconds.set(shardId, second);
    }
    const isOver =
      second.bytes + bytes > SHARD_WRITE_BYTES_PER_SECOND * this.share ||
      second.records + 1 > SHARD_WRITE_RECORDS_PER_SECOND * this.share;
    if (isOver) {
      this.refused++;
      return false;
    }
    second.bytes += bytes;
    second.records++;
    return true;
  }
}
