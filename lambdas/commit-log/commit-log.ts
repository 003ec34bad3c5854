import { addAbortSignal, type Readable } from "node:stream";
import { GetObjectCommand, ListObjectsV2Command, type S3Client } from "@aws-sdk/client-s3";
import { type Commit, parseCommit } from "../../wire/commit.ts";
import { parseSegmentKey, PREFIX, segmentKey } from "../../wire/keys.ts";
import { parseEntry, type SegmentEntry } from "../../wire/segment-entry.ts";
import { parseHead, type SegmentHead } from "../../wire/segment.ts";
import { WireError } from "../../wire/wire-error.ts";
import { CommitLogError } from "./commit-log-error.ts";
import type { Cursor } from "./cursor.ts";
import { segmentLines } from "./segment-lines.ts";

/** A commit in its place in the log, or why it cannot be read. */
export type LogEntry = {
  /** Key of the commit. */
  readonly key: string;
  readonly at: Cursor;
  /** Where to read on, once this entry is dealt with. */
  readonly next: Cursor;
  /** Bytes of the entry's line. */
  readonly bytes: number;
} & ({ readonly commit: Commit } | { readonly error: Error });

/** Entries that were not wanted, and so not parsed. */
export interface PassedEntries {
  readonly passed: number;
  readonly next: Cursor;
}

/** What of the log a reader wants; all of it where a question is not answered. */
export interface Wanted {
  /** Says no only for a head that names all of its entries' types, hours and hosts: see `opaque`. */
  readonly segment?: (head: SegmentHead) => boolean;
  readonly key?: (key: string) => boolean;
}

export interface ReadOptions {
  readonly signal?: AbortSignal;
}

/** Read in one request, which most heads fit in; the next one takes twice as much. */
const HEAD_BYTES = 256 * 2 ** 10;

/** The log of commits, as every consumer reads it: from a cursor on, in the one order there is. */
export class CommitLog {
  readonly #s3: S3Client;
  readonly #bucket: string;

  constructor(s3: S3Client, bucket: string) {
    this.#s3 = s3;
    this.#bucket = bucket;
  }

  /**
   * Reads on from a cursor to the end of the log. Takes the memory of one commit and of the decompressor,
   * however large segments are.
   *
   * @throws CommitLogError MISSING_SEGMENT, BAD_SEGMENT @throws WireError BAD_SEGMENT
   */
  async *read(from: Cursor, options: ReadOptions = {}): AsyncGenerator<LogEntry> {
    for await (const entry of this.select(from, {}, options)) if ("key" in entry) yield entry;
  }

  /** As read(), for those who want some of the log only: the rest is told as passed, so that cursors move on. */
  async *select(
    from: Cursor,
    wanted: Wanted,
    { signal }: ReadOptions = {},
  ): AsyncGenerator<LogEntry | PassedEntries> {
    const { segment: wantsSegment } = wanted;
    for (let { segment, index } = from; ; segment++, index = 0) {
      const head = wantsSegment && (await this.head(segment));
      if (head && !wantsSegment(head)) {
        yield { passed: head.commits - index, next: { segment: segment + 1, index: 0 } };
        continue;
      }
      const body = await this.#get(segment, {}, signal);
      if (body === undefined) return this.#assertEnd(segment, index);
      if (signal) addAbortSignal(signal, body);
      yield* segmentEntries(body, { segment, index }, wanted);
    }
  }

  /** Reads the head of a segment; undefined when it is not there. @throws WireError BAD_SEGMENT */
  async head(segment: number): Promise<SegmentHead | undefined> {
    for (let bytes = HEAD_BYTES; ; bytes *= 2) {
      const body = await this.#get(segment, { Range: `bytes=0-${bytes - 1}` });
      if (body === undefined) return undefined;
      const start = Buffer.concat(await body.toArray());
      const parsed = parseHead(start, segmentKey(segment));
      if (parsed) return parsed.head;
      if (start.length < bytes) throw new WireError("BAD_SEGMENT", `${segmentKey(segment)} is cut off`);
    }
  }

  async #get(
    segment: number,
    range: { Range?: string },
    signal?: AbortSignal,
  ): Promise<Readable | undefined> {
    const command = new GetObjectCommand({ Bucket: this.#bucket, Key: segmentKey(segment), ...range });
    try {
      const { Body } = await this.#s3.send(command, signal ? { abortSignal: signal } : {});
      return Body as Readable;
    } catch (error) {
      if ((error as Error).name === "NoSuchKey") return undefined;
      throw error;
    }
  }

  /**
   * A segment that is not there is the end only behind the last one: whoever waited for one that was removed
   * would wait for ever, and nobody would know.
   */
  async #assertEnd(segment: number, index: number): Promise<void> {
    const before = segment - (index > 0 ? 0 : 1);
    const StartAfter = segmentKey(Math.max(0, before - 1));
    const list = { Bucket: this.#bucket, Prefix: PREFIX.log, StartAfter, MaxKeys: 2 };
    const { Contents = [] } = await this.#s3.send(new ListObjectsV2Command(list));
    const there = Contents.flatMap(({ Key }) => parseSegmentKey(Key!) ?? []);
    const isGone = before > 0 && !there.includes(before);
    // It may have been put since it was asked for.
    const isEnd = there.includes(segment) || !there.some((number) => number > segment);
    if (!isGone && isEnd) return;
    const hint = "restore it from the bucket's older versions";
    throw new CommitLogError(
      "MISSING_SEGMENT",
      `${segmentKey(isGone ? before : segment)} is not there`,
      hint,
    );
  }
}

/** The entries of one segment from a cursor on, as they come in. @throws CommitLogError BAD_SEGMENT */
export async function* segmentEntries(
  body: Readable,
  from: Cursor,
  { key: wantsKey }: Pick<Wanted, "key">,
): AsyncGenerator<LogEntry | PassedEntries> {
  const { segment } = from;
  let index = 0;
  for await (const { line, isLast } of segmentLines(body, segment)) {
    const at = { segment, index };
    index++;
    if (at.index < from.index) continue;
    const next = isLast ? { segment: segment + 1, index: 0 } : { segment, index };
    const entry = parseEntry(line.toString());
    if (wantsKey?.(entry.key) === false) yield { passed: 1, next };
    else yield { key: entry.key, at, next, bytes: line.length + 1, ...commitOf(entry) };
  }
}

function commitOf(entry: SegmentEntry): { commit: Commit } | { error: Error } {
  if ("unreadable" in entry) {
    return { error: new WireError("BAD_COMMIT", `${entry.key}: ${entry.unreadable}`) };
  }
  try {
    return { commit: parseCommit(entry.json, entry.key) };
  } catch (error) {
    return { error: error as Error };
  }
}
