import type { CommitLog } from "./commit-log.ts";
import { type Cursor, LOG_BEGINNING } from "./cursor.ts";

/**
 * Where the log begins with what was written at this time or later: at the first segment that was put since then. What
 * is in earlier ones was written before. Reads a head for each doubling of the log's length.
 */
export async function placeOf(time: Date, log: CommitLog): Promise<Cursor> {
  const isBefore = async (segment: number): Promise<boolean> => {
    const head = await log.head(segment);
    return head !== undefined && Date.parse(head.sequencedAt) < time.getTime();
  };
  let [before, after] = [0, 1];
  while (await isBefore(after)) [before, after] = [after, after * 2];
  while (after - before > 1) {
    const middle = Math.floor((before + after) / 2);
    if (await isBefore(middle)) before = middle;
    else after = middle;
  }
  return { ...LOG_BEGINNING, segment: after };
}
