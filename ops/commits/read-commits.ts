import { Readable } from "node:stream";
import { CommitLog, segmentEntries } from "../../lambdas/commit-log/commit-log.ts";
import { CommitLogError } from "../../lambdas/commit-log/commit-log-error.ts";
import { type Cursor, LOG_BEGINNING } from "../../lambdas/commit-log/cursor.ts";
import { placeOf } from "../../lambdas/commit-log/log-place.ts";
import type { Commit } from "../../wire/commit.ts";
import { commitMinutePrefix, PREFIX, segmentKey } from "../../wire/keys.ts";
import { keyDigest } from "../../wire/segment.ts";
import { WireError } from "../../wire/wire-error.ts";
import type { Place } from "../access/place.ts";
import { SegmentCache } from "./segment-cache.ts";
import { segmentBounds } from "./segment-listing.ts";
import { type FetchedSegment, fetchSegments } from "./segments.ts";
import { readCommit, unsequencedCommits } from "./unsequenced.ts";

/** A commit, with its place in the log where it is in it, or why it cannot be read: also a whole segment. */
export type FoundCommit = { readonly key: string } & (
  | { readonly commit: Commit; readonly at?: Cursor }
  | { readonly error: Error }
);

export interface ReadCommitsOptions {
  /** Leaves out what was written in earlier minutes; nothing if absent. */
  readonly since?: Date;
  /** Reads the log from here on, whenever what is in it was written. */
  readonly from?: Cursor | undefined;
  /** Folder of cached segments; the user's cache if absent. */
  readonly cacheRoot?: string;
  /** Told of each segment before it is read, and of the last one that was there at the beginning. */
  readonly onSegment?: (segment: number, last: number) => void;
}

/**
 * A key may be named by a clock that is ahead of the sequencer's, by as much as S3 allows, and clocks of sequencers
 * differ: what was written since a time may be in segments that were put so long before.
 */
const CLOCKS_MS = 3_600_000;

/**
 * The commits of a place, each key once: those of the log in its order, from the local cache as far as that has them, then
 * those that are in no segment yet. What was written so late that the sequencer has passed its minute comes with the next
 * daily sweep.
 *
 * A batch may have several commits: readers decide what they make of a `batchId` that they have seen.
 */
export async function* readCommits(
  { s3, bucket, title }: Pick<Place, "s3" | "bucket" | "title">,
  { since, from, cacheRoot, onSegment }: ReadCommitsOptions = {},
): AsyncGenerator<FoundCommit> {
  const log = new CommitLog(s3, bucket);
  const bounds = (await segmentBounds(s3, bucket)) ?? { first: 1, last: 0 };
  const coveredTo = bounds.last === 0 ? PREFIX.commits : (await log.head(bounds.last))!.coveredTo;
  const first = since === undefined ? PREFIX.commits : commitMinutePrefix(since);
  const begin = from ?? (since ? await placeOf(new Date(since.getTime() - CLOCKS_MS), log) : LOG_BEGINNING);
  const cache = await SegmentCache.open(`${title}\n${bucket}`, cacheRoot);
  const listed = new Set<string>();
  // Nobody misses what expired at the beginning.
  let next = Math.max(begin.segment, bounds.first);
  for await (const fetched of fetchSegments(s3, bucket, next, cache)) {
    const { segment } = fetched;
    onSegment?.(segment, Math.max(segment, bounds.last));
    for (; next < segment; next++) yield { key: segmentKey(next), error: missing(next) };
    next = segment + 1;
    for await (const found of entriesOf(fetched, (key) => key >= first)) {
      if (found.key >= coveredTo) listed.add(keyDigest(found.key));
      if ("commit" in found || !found.key.startsWith(PREFIX.commits)) yield found;
      else yield { ...found, ...(await readAgain(found.key, s3, bucket)) };
    }
  }
  const after = coveredTo > first ? coveredTo : first;
  yield* unsequencedCommits(s3, bucket, after, (key) => listed.has(keyDigest(key)));
}

/** What the log could not take may be mended in the lake by now. */
async function readAgain(
  key: string,
  s3: Place["s3"],
  bucket: string,
): Promise<{ readonly commit: Commit } | undefined> {
  const read = await readCommit(s3, bucket, { key, bytes: 0 });
  return "commit" in read ? { commit: read.commit } : undefined;
}

/** Whatever is wrong with one segment does not hide what is in others. */
async function* entriesOf(
  fetched: FetchedSegment,
  wantsKey: (key: string) => boolean,
): AsyncGenerator<FoundCommit> {
  const { segment } = fetched;
  const key = segmentKey(segment);
  if ("failed" in fetched) {
    const { failed } = fetched;
    if (failed.name !== "NoSuchKey" && failed.name !== "InvalidObjectState") throw failed;
    yield { key, error: failed };
    return;
  }
  try {
    const body = Readable.from([fetched.body]);
    for await (const entry of segmentEntries(body, { segment, index: 0 }, { key: wantsKey })) {
      if ("key" in entry) yield entry;
    }
  } catch (error) {
    if (!isSpoilt(error)) throw error;
    yield { key, error };
  }
}

/** What zlib says of bytes that are not what was compressed. */
const SPOILT = /^(?:Z|ZSTD)_/;

function isSpoilt(error: unknown): error is Error {
  if (error instanceof CommitLogError || error instanceof WireError) return true;
  return error instanceof Error && SPOILT.test((error as { readonly code?: string }).code ?? "");
}

const missing = (segment: number): Error =>
  new CommitLogError(
    "MISSING_SEGMENT",
    `${segmentKey(segment)} is not there`,
    "restore it from the bucket's older versions",
  );
