import { createHash } from "node:crypto";

/**
 * A shard owns the explicit hash keys from its starting to its ending key, both included: decimal
 * strings of 128-bit numbers. source: Kinesis API reference, HashKeyRange, read 2026-11
 */
export interface HashKeyRange {
  readonly startingHashKey: string;
  readonly endingHashKey: string;
}

/** A key in the middle of the range: it stays with one child whichever way the shard is split. */
export function middleHashKey({ startingHashKey, endingHashKey }: HashKeyRange): string {
  return ((BigInt(startingHashKey) + BigInt(endingHashKey)) / 2n).toString();
}

/** The hash key that Kinesis gives to a partition key where none is stated: its MD5 as a number. */
export function hashKeyOf(partitionKey: string): string {
  return BigInt(`0x${createHash("md5").update(partitionKey).digest("hex")}`).toString();
}

export function owns(range: HashKeyRange, hashKey: string): boolean {
  const key = BigInt(hashKey);
  return key >= BigInt(range.startingHashKey) && key <= BigInt(range.endingHashKey);
}
