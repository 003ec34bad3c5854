import type { Commit } from "../../wire/commit.ts";
import { segmentKey } from "../../wire/keys.ts";
import { CommitLogError } from "../commit-log/commit-log-error.ts";
import type { LogEntry, Wanted } from "../commit-log/commit-log.ts";
import { compareCursors } from "../commit-log/cursor.ts";
import { type Claim, type ReadCommit, readCommit } from "./claim.ts";
import type { Claims } from "./claims.ts";
import type { Lake } from "./lake.ts";
import { isBadSegment, type ReadableLog } from "./read-log.ts";
import { remainder } from "./set-aside.ts";
import type { SetAside } from "./state.ts";

/** What is tried of an interval in one turn: commits that are read from the lake once more, and bytes of the log. */
const MAX_RETRIES = 100;
const MAX_READ_BYTES = 64 * 2 ** 20;

/** Told of each commit that could not be read before: it may have rows of a type that nobody knows by now. */
type Recovered = (entry: LogEntry, commit: Commit) => void;

/**
 * Tries again one interval of each table that has some set aside: what can be read by now is loaded, and what
 * somebody has removed from the lake is forgotten. Tables mostly have the same ones, which are read once for all.
 */
export async function retrySetAside(
  claims: Claims,
  log: ReadableLog,
  lake: Lake,
  recovered: Recovered,
): Promise<void> {
  const turns = new Map<string, { interval: SetAside; claims: Claim[] }>();
  for (const claim of claims.open) {
    const interval = claim.takeAside();
    if (interval === undefined) continue;
    const name = JSON.stringify([interval.from, interval.to, interval.types]);
    const turn = turns.get(name);
    if (turn) turn.claims.push(claim);
    else turns.set(name, { interval, claims: [claim] });
  }
  for (const turn of turns.values()) {
    await retry(turn.interval, turn.claims, claims, log, lake, recovered);
  }
}

async function retry(
  interval: SetAside,
  retrying: readonly Claim[],
  claims: Claims,
  log: ReadableLog,
  lake: Lake,
  recovered: Recovered,
): Promise<void> {
  const isHeld = interval.types !== undefined;
  let [reached, tried, again, bytes] = [interval.from, 0, 0, 0];
  try {
    for await (const entry of log.select(interval.from, wantedOf(interval))) {
      if ("passed" in entry) {
        reached = entry.next;
        if (compareCursors(reached, interval.to) >= 0) break;
        continue;
      }
      if (compareCursors(entry.at, interval.to) >= 0) break;
      const logged = readCommit(entry);
      const read = await readAgain(logged, entry.key, interval, lake);
      if (isHeld === "commit" in logged) tried++;
      if ("error" in logged) again++;
      if (!isHeld && "error" in logged && read && "commit" in read) recovered(entry, read.commit);
      for (const claim of retrying) if (read) claim.take(entry, read, interval.types);
      reached = entry.next;
      bytes += entry.bytes;
      const isEnough = again >= MAX_RETRIES || bytes >= MAX_READ_BYTES;
      if (isEnough || retrying.some(({ isFull }) => isFull)) break;
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

/** Segments without the types of an interval, as far as could be read, are not read beyond their heads. */
function wantedOf({ types }: SetAside): Wanted {
  if (types === undefined) return {};
  return {
    segment: ({ opaque, types: own }) =>
      opaque > 0 || own === undefined || own.some((type) => types.includes(type)),
  };
}

/** Where it is a matter of types, what cannot be read still is set aside as that already. */
async function readAgain(
  logged: ReadCommit,
  key: string,
  { types }: SetAside,
  lake: Lake,
): Promise<ReadCommit | undefined> {
  if (!("error" in logged)) return logged;
  const read = await lake.commit(key);
  return types === undefined || (read && "commit" in read) ? read : undefined;
}

/** A segment that somebody has removed is no more to wait for than one that is spoilt. */
const isUnreadable = (error: unknown): error is Error =>
  isBadSegment(error) || (error instanceof CommitLogError && error.code === "MISSING_SEGMENT");
