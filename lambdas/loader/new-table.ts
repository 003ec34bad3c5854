import { type Cursor, LOG_BEGINNING } from "../commit-log/cursor.ts";
import { isBadSegment, type ReadableLog } from "./read-log.ts";
import { newTable, type TableState } from "./state.ts";
import type { Target } from "./target.ts";

/** The state of a table that the loader has never seen, which begins where its configuration says. */
export async function beginTable({ from }: Target, log: ReadableLog, now: Date): Promise<TableState> {
  if (from === "beginning") return newTable();
  const since = from === "now" ? now : new Date(from);
  return { ...newTable(), cursor: await firstSince(log, since), since: since.toISOString() };
}

/**
 * The first segment that was put at a time or later: what arrived since is not in any before it. Segments have the
 * order of time, so it is found by halves.
 */
async function firstSince(log: ReadableLog, since: Date): Promise<Cursor> {
  const isBefore = async (segment: number): Promise<boolean> => {
    try {
      const head = await log.head(segment);
      return head !== undefined && Date.parse(head.sequencedAt) < since.getTime();
    } catch (error) {
      // Rather one too early than one too late.
      if (isBadSegment(error)) return false;
      throw error;
    }
  };
  let [before, after] = [0, LOG_BEGINNING.segment];
  for (; await isBefore(after); after *= 2) before = after;
  while (after - before > 1) {
    const middle = Math.floor((before + after) / 2);
    if (await isBefore(middle)) before = middle;
    else after = middle;
  }
  return { segment: after, index: 0 };
}
