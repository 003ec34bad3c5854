import type { S3Client } from "@aws-sdk/client-s3";
import { WireError } from "../../wire/wire-error.ts";
import { CommitLog } from "../commit-log/commit-log.ts";
import { type Cursor, LOG_BEGINNING } from "../commit-log/cursor.ts";
import { lastSegment } from "../commit-log/log-end.ts";

/** Segments that are looked at, backwards from the end: one a minute, and some that a sweep has put. */
const MAX_STEPS = 200;

/**
 * The place in the log from which it holds what was sequenced at some time or later, or what can be read of that. What
 * is before is of no use to whoever wants to know how hosts are now.
 */
export async function cursorSince(s3: S3Client, bucket: string, since: Date): Promise<Cursor> {
  const log = new CommitLog(s3, bucket);
  let segment = await lastSegment(s3, bucket);
  if (segment === 0) return LOG_BEGINNING;
  for (let steps = 0; segment > 1 && steps < MAX_STEPS; steps++, segment--) {
    const before = await sequencedAt(log, segment - 1);
    if (before === undefined || before < since.getTime()) break;
  }
  return { segment, index: 0 };
}

/** @returns undefined where it is gone or spoilt: the log is read from the next one on */
async function sequencedAt(log: CommitLog, segment: number): Promise<number | undefined> {
  try {
    const head = await log.head(segment);
    return head && Date.parse(head.sequencedAt);
  } catch (error) {
    if (error instanceof WireError) return undefined;
    throw error;
  }
}
