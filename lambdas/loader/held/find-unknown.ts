import { compareCursors, type Cursor } from "../../commit-log/cursor.ts";
import { isBadSegment, type ReadableLog, type ReadLimits } from "../read-log.ts";
import { type Held, hold, isUnknown, type KnownTypes } from "./held-types.ts";

/**
 * Reads the log on for rows whose type nobody knows. Heads tell which types a segment has, so that its entries are
 * read only where some are unknown; a segment that is spoilt is told by the tables that read it.
 */
export async function findUnknown(
  held: Held,
  known: KnownTypes,
  log: ReadableLog,
  { maxReadBytes, maxSegments }: ReadLimits,
): Promise<Held> {
  let { cursor, types } = held;
  let bytes = 0;
  for (let segments = 0; segments < maxSegments && bytes < maxReadBytes; segments++) {
    const { segment } = cursor;
    const after: Cursor = { segment: segment + 1, index: 0 };
    try {
      const head = await log.head(segment);
      if (head === undefined) break;
      const isSuspect = head.types === undefined || head.types.some((type) => isUnknown(type, known));
      if (isSuspect) {
        for await (const entry of log.read(cursor)) {
          if (entry.at.segment > segment) break;
          if ("commit" in entry) types = hold(types, entry, entry.commit, known);
          cursor = entry.next;
          bytes += entry.bytes;
        }
      }
    } catch (error) {
      if (!isBadSegment(error)) throw error;
    }
    if (compareCursors(cursor, after) < 0) cursor = after;
  }
  return { cursor, types };
}
