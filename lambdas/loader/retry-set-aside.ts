import { segmentKey } from "../../wire/keys.ts";
import { CommitLogError } from "../commit-log/commit-log-error.ts";
import type { CommitLog } from "../commit-log/commit-log.ts";
import { compareCursors } from "../commit-log/cursor.ts";
import { type Claim, readCommit } from "./claim.ts";
import type { Claims } from "./claims.ts";
import type { Lake } from "./lake.ts";
import { isBadSegment } from "./read-log.ts";
import { remainder } from "./set-aside.ts";
import type { SetAside } from "./state.ts";

/** What is tried of an interval in one turn: commits that are read from the lake once more, and bytes of the log. */
const MAX_RETRIES = 100;
const MAX_READ_BYTES = 64 * 2 ** 20;

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
  let [reached, tried, bytes] = [interval.from, 0, 0];
  try {
    for await (const entry of log.read(interval.from)) {
      if (compareCursors(entry.at, interval.to) >= 0) break;
      const logged = readCommit(entry);
      if ("error" in logged) tried++;
      const read = "error" in logged ? await lake.commit(entry.key) : logged;
      for (const claim of retrying) if (read) claim.take(entry, read);
      reached = entry.next;
      bytes += entry.bytes;
      if (tried >= MAX_RETRIES || bytes >= MAX_READ_BYTES || retrying.some(({ isFull }) => isFull)) break;
    }
  } catch (error) {
    if (!isUnreadable(error)) throw error;
    for (const claim of retrying) claim.unreadable.push({ key: segmentKey(reached.segment), error });
  }
  const left = remainder(interval, reached, tried);
  for (const claim of retrying) {
    if (left) claim.putAside(left);
    // A load is of one interval of the log: what is new waits for the next, which this one's end opens.
    if (claim.plan.size > 0)
      await claims.close(claim, { backlog: true }, { from: interval.from, to: reached });
  }
}

/** A segment that somebody has removed is no more to wait for than one that is spoilt. */
const isUnreadable = (error: unknown): error is Error =>
  isBadSegment(error) || (error instanceof CommitLogError && error.code === "MISSING_SEGMENT");
