import type { S3Client } from "@aws-sdk/client-s3";
import { HEARTBEAT_TYPE } from "../../wire/log-type.ts";
import type { SegmentHead } from "../../wire/segment.ts";
import { CommitLog } from "../commit-log/commit-log.ts";
import { CommitLogError } from "../commit-log/commit-log-error.ts";
import type { Cursor } from "../commit-log/cursor.ts";
import { heartbeatObjects, readHeartbeats, type StoredHeartbeat } from "../commit-log/heartbeats.ts";
import { WireError } from "../../wire/wire-error.ts";
import { readAhead } from "../commit-log/read-ahead.ts";
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
  /** False where there was no time for all of it: what it says of hosts is not the last. */
  readonly isAtEnd: boolean;
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
  parts: ReadLogParts,
): Promise<ReadLog> {
  const { isTimeUp, log } = parts;
  // What was begun and has no turn any more is not left open.
  const over = new AbortController();
  let cursor = from;
  let [heartbeats, unreadable] = [0, 0];
  const read = (entry: BeatEntry): Promise<AsyncIterable<Row>> => {
    const rows = rowsOf(entry, parts, over.signal);
    // It is thrown where it is its turn, unless one before it was.
    rows.catch(() => {});
    return rows;
  };
  const entries = beatEntries(commits, from);
  for await (const { item, result: rows } of readAhead(entries, read, READ_AHEAD)) {
    for await (const row of rows) {
      if ("error" in row) {
        if (++unreadable <= LOGGED) log.warn("a heartbeat cannot be read", { reason: row.error.message });
      } else {
        heartbeats++;
        take(row);
      }
    }
    cursor = item.next;
    if (isTimeUp()) {
      over.abort();
      return { cursor, heartbeats, unreadable, isAtEnd: false };
    }
  }
  return { cursor, heartbeats, unreadable, isAtEnd: true };
}

type Row = StoredHeartbeat | { readonly error: CommitLogError };

/** An entry of the log, or some that were passed over. */
interface BeatEntry {
  readonly next: Cursor;
  readonly keys: readonly string[];
  readonly bytes: number;
}

/** Examples in the log of what may be many. */
const LOGGED = 5;
/** Objects on their way at a time: each costs S3's latency, and there is one for most commits. */
const READ_AHEAD = { items: 16, bytes: 16 * 2 ** 20 };
/** Of each, so much is held until it is its turn, whatever it unpacks to; the rest is read then. */
const HELD_ROWS = 100;
const HELD_SOURCES = 1_000;

async function* beatEntries(commits: CommitLog, from: Cursor): AsyncGenerator<BeatEntry> {
  for await (const entry of commits.select(from, { segment: holdsHeartbeats })) {
    const objects = "commit" in entry ? heartbeatObjects(entry.commit) : [];
    const bytes = objects.reduce((sum, object) => sum + object.bytes, 0);
    yield { next: entry.next, keys: objects.map(({ key }) => key), bytes };
  }
}

/** @returns once it is under way */
async function rowsOf(
  { keys }: BeatEntry,
  { s3, bucket }: ReadLogParts,
  signal: AbortSignal,
): Promise<AsyncIterable<Row>> {
  const rows = allRows(keys, s3, bucket, signal);
  const held: Row[] = [];
  let sources = 0;
  while (held.length < HELD_ROWS && sources < HELD_SOURCES) {
    const next = await rows.next();
    if (next.done) break;
    held.push(next.value);
    sources += "error" in next.value ? 0 : next.value.heartbeat.sources.length;
  }
  return (async function* () {
    yield* held;
    yield* rows;
  })();
}

async function* allRows(
  keys: readonly string[],
  s3: S3Client,
  bucket: string,
  signal: AbortSignal,
): AsyncGenerator<Row> {
  for (const key of keys) yield* readHeartbeats(s3, bucket, key, { signal });
}

/** A head without types may stand for any. */
const holdsHeartbeats = ({ types }: SegmentHead): boolean => types?.includes(HEARTBEAT_TYPE) ?? true;

function isDamage(error: unknown): error is CommitLogError | WireError {
  return error instanceof CommitLogError || (error instanceof WireError && error.code === "BAD_SEGMENT");
}
