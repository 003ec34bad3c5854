import type { S3Client } from "@aws-sdk/client-s3";
import { HEARTBEAT_TYPE } from "../../wire/log-type.ts";
import type { SegmentHead } from "../../wire/segment.ts";
import { CommitLog } from "../commit-log/commit-log.ts";
import { CommitLogError } from "../commit-log/commit-log-error.ts";
import type { Cursor } from "../commit-log/cursor.ts";
import { heartbeatObjects, readHeartbeats, type StoredHeartbeat } from "../commit-log/heartbeats.ts";
import { WireError } from "../../wire/wire-error.ts";
import { FleetError } from "./fleet-error.ts";
import { cursorSince } from "./cursor-since.ts";

export interface ReadLogParts {
  readonly s3: S3Client;
  readonly bucket: string;
  readonly isTimeUp: () => boolean;
  readonly log: { warn(message: string, fields: Record<string, unknown>): void };
}

export interface ReadLog {
  /** Where to go on. */
  readonly cursor: Cursor;
  readonly heartbeats: number;
  readonly unreadable: number;
}

/**
 * Takes in the heartbeats of the log, from a place in it to its end or as far as there is time. Where the log is damaged,
 * it goes on near the end: what was said of hosts before is said again by the next heartbeats.
 *
 * @throws FleetError BAD_LOG
 */
export async function readLog(
  from: Cursor | { readonly since: Date },
  take: (heartbeat: StoredHeartbeat) => void,
  parts: ReadLogParts,
): Promise<ReadLog> {
  const { s3, bucket, log } = parts;
  const commits = new CommitLog(s3, bucket);
  if ("segment" in from) {
    try {
      return await readFrom(commits, from, take, parts);
    } catch (error) {
      if (!isDamage(error)) throw error;
      log.warn("the log cannot be read on: going on near its end", { reason: error.message });
    }
  }
  try {
    const since = "since" in from ? from.since : new Date();
    return await readFrom(commits, await cursorSince(s3, bucket, since), take, parts);
  } catch (cause) {
    if (!isDamage(cause)) throw cause;
    const hint = "restore the object from the bucket's older versions";
    throw new FleetError("BAD_LOG", cause.message, hint, { cause });
  }
}

async function readFrom(
  commits: CommitLog,
  from: Cursor,
  take: (heartbeat: StoredHeartbeat) => void,
  { s3, bucket, isTimeUp, log }: ReadLogParts,
): Promise<ReadLog> {
  let cursor = from;
  let [heartbeats, unreadable] = [0, 0];
  for await (const entry of commits.select(from, { segment: holdsHeartbeats })) {
    const objects = "commit" in entry ? heartbeatObjects(entry.commit) : [];
    for (const { key } of objects) {
      for await (const row of readHeartbeats(s3, bucket, key)) {
        if ("error" in row) {
          unreadable++;
          log.warn("a heartbeat cannot be read", { reason: row.error.message });
        } else {
          heartbeats++;
          take(row);
        }
      }
    }
    cursor = entry.next;
    if (isTimeUp()) break;
  }
  return { cursor, heartbeats, unreadable };
}

/** A head without types may stand for any. */
const holdsHeartbeats = ({ types }: SegmentHead): boolean => types?.includes(HEARTBEAT_TYPE) ?? true;

function isDamage(error: unknown): error is CommitLogError | WireError {
  return error instanceof CommitLogError || (error instanceof WireError && error.code === "BAD_SEGMENT");
}
