import { segmentKey } from "../../wire/keys.ts";
import type { SegmentHead } from "../../wire/segment.ts";
import type { CommitLog } from "../commit-log/commit-log.ts";
import { compareCursors } from "../commit-log/cursor.ts";
import { type Claim, readCommit } from "./claim.ts";
import type { Claims } from "./claims.ts";

/** The part of the log of commits that is used. */
export type ReadableLog = Pick<CommitLog, "head" | "read" | "select">;

/** What is read in one tick at most, whatever is in it. */
export interface ReadLimits {
  /** Bytes of entries that are not passed over by their keys. */
  readonly maxReadBytes: number;
  readonly maxSegments: number;
}

/**
 * Reads the log on, from where the hindmost of the tables stands: each segment once for all that stand in it, and
 * not at all where its head tells that it has nothing for them.
 *
 * @throws CommitLogError MISSING_SEGMENT; claims that are closed by then stay so
 */
export async function readLog(
  claims: Claims,
  log: ReadableLog,
  limits: ReadLimits,
  hasTime = () => true,
): Promise<void> {
  let bytesLeft = limits.maxReadBytes;
  for (
    let segments = 0;
    claims.open.length > 0 && bytesLeft > 0 && segments < limits.maxSegments && hasTime();
    segments++
  ) {
    const segment = Math.min(...claims.open.map(({ state }) => state.cursor.segment));
    const here = claims.open.filter(({ state }) => state.cursor.segment === segment);
    try {
      const head = await log.head(segment);
      if (head === undefined) return await atEnd(claims, log, segment);
      const readers = here.filter((claim) => claim.wants(head));
      bytesLeft -= await readSegment(claims, readers, log, head, bytesLeft, hasTime);
      if (bytesLeft <= 0 || !hasTime()) break;
      for (const claim of here) if (claims.open.includes(claim)) claim.leave(head);
    } catch (error) {
      if (!isBadSegment(error)) throw error;
      for (const claim of here) if (claims.open.includes(claim)) setAside(claim, segment, error);
    }
  }
  await claims.closeAll({ backlog: true });
}

/** @throws CommitLogError MISSING_SEGMENT where this is not the log's end, but a hole in it */
async function atEnd(claims: Claims, log: ReadableLog, segment: number): Promise<void> {
  for await (const _ of log.read({ segment, index: 0 })) break;
  await claims.closeAll({ backlog: false });
}

/** Reads the entries of a segment to its end, or until no reader takes more. @returns bytes of what was read */
async function readSegment(
  claims: Claims,
  readers: readonly Claim[],
  log: ReadableLog,
  head: SegmentHead,
  maxBytes: number,
  hasTime: () => boolean,
): Promise<number> {
  let bytes = 0;
  if (readers.length === 0) return bytes;
  const [from] = readers.map(({ state }) => state.cursor).toSorted(compareCursors);
  const wanted = { key: (key: string) => readers.some((claim) => claim.wantsKey(key, head)) };
  for await (const entry of log.select(from!, wanted)) {
    const read = "key" in entry && readCommit(entry);
    for (const claim of readers) {
      if (!claims.open.includes(claim) || compareCursors(claim.state.cursor, entry.next) >= 0) continue;
      if ("key" in entry && read && claim.wantsKey(entry.key, head)) claim.take(entry, read);
      claim.moveTo(entry.next);
    }
    if ("key" in entry) bytes += entry.bytes;
    await claims.closeFull();
    const isOver = entry.next.segment > head.segment || bytes >= maxBytes || !hasTime();
    if (isOver || !readers.some((claim) => claims.open.includes(claim))) break;
  }
  return bytes;
}

/** What the decompressor says of bytes that are not what was compressed. */
const SPOILT = /^(?:Z|ZSTD)_/;

/** Whether a segment is not what it should be; what S3 says may pass. */
export function isBadSegment(error: unknown): error is Error {
  const { code = "" } = error as { readonly code?: string };
  return error instanceof Error && (code === "BAD_SEGMENT" || SPOILT.test(code));
}

/** Sets aside what the claim has not read of a segment, and goes on after it. */
function setAside(claim: Claim, segment: number, error: Error): void {
  const to = { segment: segment + 1, index: 0 };
  claim.setAside({ from: claim.state.cursor, to }, { key: segmentKey(segment), error });
  claim.moveTo(to);
}
