/**
 * Limits of the services, with where each number was read. All byte counts are plain bytes unless
 * the name says otherwise.
 */

/** Data plus partition key of one record. Kinesis quotas page, read 2026-11 (10 MiB by UpdateMaxRecordSize). */
export const RECORD_MAX_BYTES = 2 ** 20;

/** Records in one PutRecords request. PutRecords reference, read 2026-11. */
export const PUT_RECORDS_MAX_RECORDS = 500;

/** Whole PutRecords request, keys included. PutRecords reference, read 2026-11. */
export const PUT_RECORDS_MAX_BYTES = 10 * 2 ** 20;

/** Characters in a partition key. PutRecords reference, read 2026-11. */
export const PARTITION_KEY_MAX_CHARS = 256;

/** What one shard takes in a second. Kinesis quotas page, read 2026-11. */
export const SHARD_WRITE_BYTES_PER_SECOND = 2 ** 20;
export const SHARD_WRITE_RECORDS_PER_SECOND = 1_000;

/**
 * Synchronous Lambda payload. Records are base64 in it, so about 4.5 MB of data fit. Lambda quotas
 * page, read 2026-11.
 */
export const LAMBDA_PAYLOAD_MAX_BYTES = 6 * 2 ** 20;

/**
 * What one stream record may unpack to, over all its layers. A 1 MiB zstd frame of log lines unpacks to
 * 5-20 MiB; a bomb unpacks to gigabytes. Ours, so that one record never takes a router's whole memory.
 */
export const INFLATED_RECORD_MAX_BYTES = 64 * 2 ** 20;

/**
 * What a frame of so many bytes may unpack to. Log lines pack to a fifth or a twentieth; 329 bytes can be half a
 * million empty records, which would cost whoever reads them seconds. An agent sends as it is what would pack to
 * less than a hundredth. Ours.
 */
export function inflatedMaxBytes(bytes: number): number {
  return Math.min(INFLATED_RECORD_MAX_BYTES, 64 * 2 ** 10 + 100 * bytes);
}

/**
 * Records, keys and tags in one aggregate, and events in one stream record. A 1 MiB aggregate of empty
 * lines has 131,072 records of 8 bytes; 64 MiB of them, unpacked from a few kilobytes, would take gigabytes
 * as objects. Ours.
 */
export const AGGREGATE_MAX_PARTS = 500_000;

/**
 * What a commit may have to say of one aggregate: its sources, ranges and gaps, in bytes of JSON as
 * provenance.ts counts them. The largest aggregate that agents make by default stays within it whatever it
 * holds, and larger ones are closed there. Ours, so that a small record does not make a large commit.
 */
export const PROVENANCE_MAX_BYTES = 512 * 2 ** 10;

/**
 * Source bytes that one aggregate may stand for, gaps included: the largest volume there is, and so more than
 * any file. Sums of a batch stay below 2^53. Amazon EBS volume types, io2 Block Express, read 2026-11.
 */
export const PROVENANCE_MAX_SOURCE_BYTES = 2 ** 46;

/** Room of `_host`. Host names have at most 253 characters. */
export const HOST_MAX_BYTES = 255;

/** PATH_MAX of Linux, in bytes there. A byte of a path is one character at most. */
export const PATH_MAX_CHARS = 4_096;

/**
 * A commit, as a reader takes it: it is read whole, and its objects take ten times as much memory as its
 * text. The router ends a batch before its commit would be larger. Ours.
 */
export const COMMIT_MAX_BYTES = 4 * 2 ** 20;

/** SQL of one Data API call. Redshift Data API quotas, read 2026-11. */
export const DATA_API_SQL_MAX_BYTES = 100_000;

/** Statements in one BatchExecuteStatement. Redshift Data API reference, read 2026-11. */
export const DATA_API_BATCH_MAX_STATEMENTS = 40;

/** Columns of a table. "CREATE TABLE usage notes", Redshift database developer guide, read 2026-11. */
export const TABLE_MAX_COLUMNS = 1_600;

/** Columns of a compound sort key. Redshift CREATE TABLE reference, read 2026-11. */
export const SORT_KEY_MAX_COLUMNS = 400;
