/**
 * Kinesis sequence numbers are decimal strings of up to 128 digits, unique and rising within a shard.
 * They are compared as numbers: their lengths differ.
 * source: Kinesis API reference, PutRecords and GetShardIterator, read 2026-11
 */

/** Digits to which sequence numbers are padded where strings must sort like numbers. */
export const PADDED_DIGITS = 64;

export function compareSequenceNumbers(a: string, b: string): number {
  const [left, right] = [BigInt(a), BigInt(b)];
  return left < right ? -1 : left > right ? 1 : 0;
}

/** Fixed-width form whose string order is the numeric order. */
export function padSequenceNumber(sequenceNumber: string): string {
  return sequenceNumber.padStart(PADDED_DIGITS, "0");
}
