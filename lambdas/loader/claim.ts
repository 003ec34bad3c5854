import type { Commit } from "../../wire/commit.ts";
import { commitMinutePrefix, parseCommitKey } from "../../wire/keys.ts";
import type { Lake } from "./lake.ts";
import type { TableState } from "./state.ts";
import type { Target } from "./target.ts";

/**
 * How long after the minute in its key a commit may still appear. The router names a commit by its
 * clock and writes it within the same invocation, so at most Lambda's 15 minutes later; 5 more are
 * for clocks that differ.
 */
export const LOOK_BACK_MS = 20 * 60_000;

/** What one load takes, checked between groups of commits, so exceeded by one group at most. */
export interface ClaimLimits {
  readonly maxCommits: number;
  /** Of compressed objects. */
  readonly maxBytes: number;
  /** Read in one tick, whether they have rows for the table or not. */
  readonly maxReads: number;
}

/** A manifest of 2,000 commits is 0.5 MB; 10,000 reads of 5 ms, 32 at a time, are 2 s. */
export const CLAIM_LIMITS: ClaimLimits = { maxCommits: 2_000, maxBytes: 4 * 2 ** 30, maxReads: 10_000 };
const READS_AT_ONCE = 32;

export interface FoundCommit {
  readonly key: string;
  readonly commit: Commit;
}

export interface Claim {
  /** With objects for the table, in key order. */
  readonly commits: readonly FoundCommit[];
  /** The table's state once they are claimed. */
  readonly state: TableState;
  readonly unreadable: readonly { readonly key: string; readonly error: Error }[];
}

/** The next commits of a table that has no load open. */
export async function claim(
  state: TableState,
  target: Target,
  lake: Lake,
  now: Date,
  limits: ClaimLimits = CLAIM_LIMITS,
): Promise<Claim> {
  const claimed = new Set(state.claimed);
  const commits: FoundCommit[] = [];
  const unreadable: { key: string; error: Error }[] = [];
  let [bytes, reads] = [0, 0];
  let stoppedAt: string | undefined;
  const setAside = new Set(state.setAside);
  for await (const keys of grouped(candidates(state, lake))) {
    if (commits.length >= limits.maxCommits || bytes >= limits.maxBytes || reads >= limits.maxReads) {
      stoppedAt = keys[0]!;
      break;
    }
    reads += keys.length;
    for (const found of await Promise.all(keys.map((key) => read(key, lake)))) {
      claimed.add(found.key);
      setAside.delete(found.key);
      if ("error" in found) {
        unreadable.push(found);
        setAside.add(found.key);
      } else if (dataObjects(found.commit, target).length > 0) {
        commits.push(found);
        bytes += dataObjects(found.commit, target).reduce((sum, object) => sum + object.bytes, 0);
      }
    }
  }
  const cursor = nextCursor(state.cursor, stoppedAt, now);
  return {
    commits,
    unreadable,
    state: {
      ...state,
      cursor,
      claimed: [...claimed].filter((key) => key >= cursor).sort(),
      setAside: [...setAside],
      backlog: stoppedAt !== undefined,
    },
  };
}

/** When the oldest commit that is not claimed was written, undefined when all are. */
export async function oldestUnclaimed(state: TableState, lake: Lake): Promise<string | undefined> {
  for await (const key of candidates(state, lake)) return key;
  return undefined;
}

export const dataObjects = (commit: Commit, { type }: Target): Commit["objects"] =>
  commit.objects.filter((object) => object.kind === "data" && object.type === type && object.rows > 0);

async function* candidates(state: TableState, lake: Lake): AsyncGenerator<string> {
  yield* state.setAside;
  const claimed = new Set(state.claimed);
  for await (const key of lake.commitKeys(state.cursor)) if (!claimed.has(key)) yield key;
}

async function* grouped(keys: AsyncIterable<string>): AsyncGenerator<string[]> {
  let group: string[] = [];
  for await (const key of keys) {
    group.push(key);
    if (group.length < READS_AT_ONCE) continue;
    yield group;
    group = [];
  }
  if (group.length > 0) yield group;
}

async function read(key: string, lake: Lake): Promise<FoundCommit | { key: string; error: Error }> {
  try {
    parseCommitKey(key);
    return { key, commit: await lake.commit(key) };
  } catch (error) {
    return { key, error: error as Error };
  }
}

/** Up to the look-back, or up to the minute at which reading stopped; never back. */
function nextCursor(cursor: string, stoppedAt: string | undefined, now: Date): string {
  const horizon = commitMinutePrefix(new Date(now.getTime() - LOOK_BACK_MS));
  const reached = stoppedAt?.slice(0, stoppedAt.lastIndexOf("/") + 1);
  const next = reached !== undefined && reached < horizon ? reached : horizon;
  return next > cursor ? next : cursor;
}
