import { segmentKey } from "../../wire/keys.ts";
import type { CommitLog, LogEntry } from "../commit-log/commit-log.ts";
import { compareCursors } from "../commit-log/cursor.ts";
import { type Claim, type ReadCommit, readCommit } from "./claim.ts";
import type { Claims } from "./claims.ts";
import type { Lake } from "./lake.ts";
import { isBadSegment } from "./read-log.ts";
import { remainder } from "./set-aside.ts";
import type { SetAside } from "./state.ts";

/** Commits that are read from the lake once more in one tick, for each interval. */
const MAX_RETRIES = 100;

/**
 * Tries again one interval of each table that has some set aside: what can be read by now is loaded, and what
 * somebody has removed from the lake is forgotten. Tables mostly have the same ones, which are read once for all.
 */
export async function retrySetAside(claims: Claims, log: CommitLog, lake: Lake): Promise<void> {
  const turns = new Map<string, { interval: SetAside; claims: Claim[] }>();
  for (const claim of claims.open) {
    const interval = claim.takeAside();
    if (interval === undefined) continue;
    const name = JSON.stringify([interval.from, interval.to]);
    const turn = turns.get(name);
    if (turn) turn.claims.push(claim);
    else turns.set(name, { interval, claims: [claim] });
  }
  for (const turn of turns.values()) await retry(turn.interval, turn.claims, claims, log, lake);
}

async function retry(
  interval: SetAside,
  retrying: readonly Claim[],
  claims: Claims,
  log: CommitLog,
  lake: Lake,
): Promise<void> {
  let [reached, tried] = [interval.from, 0];
  try {
    for await (const entry of log.read(interval.from)) {
      if (compareCursors(entry.at, interval.to) >= 0) break;
      const read = await readAgain(entry, lake);
      for (const claim of retrying) if (read) claim.take(entry, read);
      [reached, tried] = [entry.next, tried + 1];
      if (tried >= MAX_RETRIES || retrying.some(({ isFull }) => isFull)) break;
    }
  } catch (error) {
    if (!isBadSegment(error)) throw error;
    for (const claim of retrying) claim.unreadable.push({ key: segmentKey(reached.segment), error });
  }
  const left = remainder(interval, reached, tried);
  for (const claim of retrying) {
    if (left) claim.putAside(left);
    // A load is of one interval of the log: what is new waits for the next.
    if (claim.plan.size > 0)
      await claims.close(claim, { backlog: true }, { from: interval.from, to: reached });
  }
}

/** @returns undefined for a commit that cannot be read, and is no longer in the lake */
async function readAgain(entry: LogEntry, lake: Lake): Promise<ReadCommit | undefined> {
  const read = readCommit(entry);
  return "commit" in read ? read : lake.commit(entry.key);
}
