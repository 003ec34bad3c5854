import * as z from "zod";
import { COMMIT_MAX_BYTES } from "./limits.ts";
import { GAP_REASONS } from "./provenance.ts";
import { WireError } from "./wire-error.ts";

/**
 * A commit is written last, once every object of its batch is in the lake. What no commit names does
 * not exist: the loader, the audit and the replay all start from commits.
 *
 * Ranges are half-open byte ranges [from, to) of a source, as delivered in this batch. Times are ISO
 * 8601 in UTC.
 */

const count = z.int().min(0);
const range = z.tuple([count, count]);
const instant = z.iso.datetime();

const lakeObject = z.strictObject({
  kind: z.enum(["data", "rejected", "quarantine"]),
  /** "" for quarantined records: nobody knows. */
  type: z.string(),
  key: z.string(),
  bytes: count,
  /** Lines of the object: rows, rejected lines, or quarantined records. */
  rows: count,
  /** First and last event time of the rows. */
  from: instant.optional(),
  to: instant.optional(),
});

/** Ranges of one source by one host. There are several of one id where more than one host claims it. */
const sourceRanges = z.strictObject({
  id: z.string(),
  host: z.string(),
  path: z.string(),
  /** Merged ranges of the events in this batch, their gaps not included. */
  ranges: z.array(range),
  gaps: z.array(z.strictObject({ from: count, to: count, reason: z.enum(GAP_REASONS), lines: count })),
  /** Log types that have at least one line, in rows or in rejects, from these ranges. */
  types: z.array(z.string()),
});

/** lines = rows + rejected + filtered + duplicates, in every commit. */
const typeCounts = z.strictObject({
  lines: count,
  /** Source bytes of the lines, line feeds included; data bytes where there is no source. */
  bytes: count,
  rows: count,
  rejected: count,
  filtered: count,
  /** Lines that an earlier record of this same batch had brought already. */
  duplicates: count,
  /** Of the rows, those without provenance: their identity is the record they came in. */
  foreignRows: count,
});

export const commitSchema = z.strictObject({
  version: z.literal(1),
  /** batchName() of the batch: two commits with one id are the same batch, written twice. */
  batchId: z.string(),
  shardId: z.string(),
  firstSequenceNumber: z.string().regex(/^\d+$/),
  lastSequenceNumber: z.string().regex(/^\d+$/),
  arrivedFrom: instant,
  arrivedTo: instant,
  /** Kinesis records, and the events in them. */
  records: count,
  userRecords: count,
  /** Bytes of the Kinesis records as they came. */
  bytes: count,
  objects: z.array(lakeObject),
  sources: z.array(sourceRanges),
  types: z.record(z.string(), typeCounts),
});

export type Commit = z.output<typeof commitSchema>;
export type LakeObject = Commit["objects"][number];
export type SourceRanges = Commit["sources"][number];
export type TypeCounts = Commit["types"][string];

/** The counts of a type of which nothing has come yet, for adding up. */
export function noLines(): { -readonly [K in keyof TypeCounts]: TypeCounts[K] } {
  return { lines: 0, bytes: 0, rows: 0, rejected: 0, filtered: 0, duplicates: 0, foreignRows: 0 };
}

/** @param key named in the error @throws WireError BAD_COMMIT, also for one that is too large to be read whole */
export function parseCommit(json: string, key: string): Commit {
  assertCommitSize(json.length, key);
  try {
    return commitSchema.parse(JSON.parse(json));
  } catch (cause) {
    throw new WireError("BAD_COMMIT", `${key} is not a commit`, undefined, { cause });
  }
}

/** Called before a commit is read, where its size is known. @throws WireError BAD_COMMIT */
export function assertCommitSize(bytes: number, key: string): void {
  if (bytes <= COMMIT_MAX_BYTES) return;
  throw new WireError("BAD_COMMIT", `${key} has ${bytes} bytes, and a commit at most ${COMMIT_MAX_BYTES}`);
}
