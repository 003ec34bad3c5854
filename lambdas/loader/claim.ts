import type { Commit } from "../../wire/commit.ts";
import { commitMinutePrefix, parseCommitKey } from "../../wire/keys.ts";
import { COMMIT_MAX_BYTES } from "../../wire/limits.ts";
import type { Lake, ListedCommit } from "./lake.ts";
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
  /** Read in one claim, whether they have rows for the table or not. */
  readonly maxReads: number;
  /** Text of the commits that are read in one claim. */
  readonly maxReadBytes: number;
}

/**
 * A manifest of 2,000 commits is 0.5 MB; 10,000 reads of 5 ms, 32 at a time, are 2 s. The objects of a commit
 * take about ten times its text, measured 2026-11: those of a claim, of a group over it, and of the cache
 * stay within 300 MB of the function's 512.
 */
export const CLAIM_LIMITS: ClaimLimits = {
  maxCommits: 2_000,
  maxBytes: 4 * 2 ** 30,
  maxReads: 10_000,
  maxReadBytes: 8 * 2 ** 20,
};
const READS_AT_ONCE = 32;
/** Reads in one claim of commits that could not be read before. They take turns. */
const SET_ASIDE_READS = 100;
const BYTES_AT_ONCE = COMMIT_MAX_BYTES;

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
  const setAside = new Set(state.setAside);
  const commits: FoundCommit[] = [];
  const unreadable: { key: string; error: Error }[] = [];
  let [bytes, reads, readBytes] = [0, 0, 0];
  const isFull = (): boolean =>
    commits.length >= limits.maxCommits ||
    bytes >= limits.maxBytes ||
    reads >= limits.maxReads ||
    readBytes >= limits.maxReadBytes;
  const take = async (group: readonly ListedCommit[]): Promise<void> => {
    reads += group.length;
    for (const found of await Promise.all(group.map((listed) => read(listed, lake)))) {
      claimed.add(found.key);
      setAside.delete(found.key);
      if ("error" in found) {
        unreadable.push(found);
        setAside.add(found.key);
        continue;
      }
      readBytes += found.textBytes;
      if (dataObjects(found.commit, target).length > 0) {
        commits.push(found);
        bytes += dataObjects(found.commit, target).reduce((sum, object) => sum + object.bytes, 0);
      }
    }
  };
  let stoppedAt: string | undefined;
  for await (const group of grouped(unclaimed(state, lake))) {
    if (isFull()) {
      stoppedAt = group[0]!.key;
      break;
    }
    await take(group);
  }
  // Last, so that no number of commits that cannot be read keeps the others waiting.
  for await (const group of grouped(state.setAside.slice(0, SET_ASIDE_READS).map(unlisted))) {
    if (isFull()) break;
    await take(group);
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

/** Key of the oldest commit that is not loaded and not in a load, undefined when there is none. */
export async function oldestUnclaimed(state: TableState, lake: Lake): Promise<string | undefined> {
  const [first] = state.setAside;
  if (first !== undefined) return first;
  for await (const { key } of unclaimed(state, lake)) return key;
  return undefined;
}

export const dataObjects = (commit: Commit, { type }: Target): Commit["objects"] =>
  commit.objects.filter((object) => object.kind === "data" && object.type === type && object.rows > 0);

async function* unclaimed(state: TableState, lake: Lake): AsyncGenerator<ListedCommit> {
  const claimed = new Set(state.claimed);
  for await (const listed of lake.listCommits(state.cursor)) if (!claimed.has(listed.key)) yield listed;
}

/** Counts as the largest there is: what is set aside is known by its key alone. */
const unlisted = (key: string): ListedCommit => ({ key, bytes: COMMIT_MAX_BYTES });

/** As many as are read at once: what is too large to be read costs no memory. */
async function* grouped(
  listed: AsyncIterable<ListedCommit> | Iterable<ListedCommit>,
): AsyncGenerator<ListedCommit[]> {
  let group: ListedCommit[] = [];
  for await (const commit of listed) {
    if (group.length > 0 && textBytes([...group, commit]) > BYTES_AT_ONCE) {
      yield group;
      group = [];
    }
    group.push(commit);
    if (group.length < READS_AT_ONCE) continue;
    yield group;
    group = [];
  }
  if (group.length > 0) yield group;
}

const textBytes = (commits: readonly ListedCommit[]): number =>
  commits.reduce((sum, { bytes }) => sum + (bytes > COMMIT_MAX_BYTES ? 0 : bytes), 0);

type Read = (FoundCommit & { readonly textBytes: number }) | { readonly key: string; readonly error: Error };

async function read(listed: ListedCommit, lake: Lake): Promise<Read> {
  const { key, bytes } = listed;
  try {
    parseCommitKey(key);
    return { key, commit: await lake.commit(listed), textBytes: bytes };
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
