import { Readable } from "node:stream";
import { PREFIX } from "../../wire/keys.ts";
import { CommitLogError } from "../commit-log/commit-log-error.ts";
import { SavedState } from "../commit-log/saved-state.ts";
import { append, type Appended } from "./append.ts";
import { type ListedCommit, listCommits } from "../commit-log/commit-listing.ts";
import type { KnownHead } from "./log-heads.ts";
import { missingCommits } from "./missing-commits.ts";
import { aheadOf } from "./sequence.ts";
import type { SequencerParts } from "./sequencer-parts.ts";
import { type CurrentSweep, SWEEP_STATE_KEY, type SweepState, sweepStateSchema } from "./sweep-state.ts";

const DAY_MS = 86_400_000;

/**
 * How long before the last sweep an object may say that it was made, and still not have been there: a replica
 * keeps the time of what it was copied from.
 */
const MARGIN_MS = DAY_MS;

/** Keys that a log line names. */
const LOGGED_KEYS = 5;

/**
 * Once a day, lists the keys of all commits, in as many runs as it takes, and appends those that are not in the log
 * though the listing of new ones has passed them by. It looks up whatever was made since the last sweep, however
 * regular it seems: so each commit is looked for in the log at least once.
 */
export async function sweep(parts: SequencerParts): Promise<Appended> {
  const state = savedState(parts);
  const total = { segments: 0, commits: 0, unreadable: 0, isOvertaken: false };
  let saved = await state.read();
  while (!parts.isTimeUp()) {
    const current = currentSweep(saved, parts.now());
    if (!current) break;
    const slice = await nextSlice(parts, current, saved.completed);
    const appended = await appendMissing(parts, slice);
    if (appended.isOvertaken) return { ...total, isOvertaken: true };
    total.segments += appended.segments;
    total.commits += appended.commits;
    total.unreadable += appended.unreadable;
    const { isLast, after } =
      appended.stoppedAt === undefined ? slice : doneBefore(appended.stoppedAt, slice);
    saved = isLast
      ? { version: 1, completed: current.startedAt }
      : { ...saved, current: { ...current, after } };
    if (!(await isSaved(state, saved))) break;
    if (appended.stoppedAt !== undefined) return { ...appended, ...total };
  }
  return total;
}

function savedState({ s3, bucket }: SequencerParts): SavedState<SweepState> {
  return new SavedState<SweepState>({
    s3,
    bucket,
    key: SWEEP_STATE_KEY,
    initial: { version: 1 },
    // One that cannot be read is as good as lost.
    parse: (value) => sweepStateSchema.catch({ version: 1 }).parse(value),
  });
}

/** False when another sequencer sweeps too: it goes on. */
async function isSaved(state: SavedState<SweepState>, saved: SweepState): Promise<boolean> {
  try {
    await state.save(saved);
    return true;
  } catch (error) {
    if (error instanceof CommitLogError && error.code === "STATE_CONFLICT") return false;
    throw error;
  }
}

/** The sweep that is on its way, or one that begins now; undefined when none is due. */
function currentSweep({ completed, current }: SweepState, now: Date): CurrentSweep | undefined {
  const isDue = completed === undefined || now.getTime() - Date.parse(completed) >= DAY_MS;
  return current ?? (isDue ? { startedAt: now.toISOString(), after: "" } : undefined);
}

/** Commits to look up, of those after a key. */
interface Slice {
  readonly last: KnownHead | undefined;
  readonly commits: readonly ListedCommit[];
  readonly begin: string;
  /** Key of the last commit that was listed. */
  readonly after: string;
  readonly isLast: boolean;
}

/** Leaves out what the listing of new ones looks at, now or later. */
async function nextSlice(
  { s3, bucket, heads, limits, now, isTimeUp }: SequencerParts,
  { after: begin }: CurrentSweep,
  completed: string | undefined,
): Promise<Slice> {
  const last = await heads.last();
  const coveredTo = last?.head.coveredTo ?? PREFIX.commits;
  const since = completed === undefined ? 0 : Date.parse(completed) - MARGIN_MS;
  const commits: ListedCommit[] = [];
  let after = begin;
  for await (const page of listCommits(s3, bucket, begin)) {
    const ahead = aheadOf(now());
    for (const commit of page) {
      after = commit.key;
      const isOfListing = commit.key >= coveredTo && commit.key < ahead;
      if (!isOfListing && commit.lastModified.getTime() >= since) commits.push(commit);
    }
    if (commits.length >= limits.lookups || isTimeUp()) return { last, commits, begin, after, isLast: false };
  }
  return { last, commits, begin, after, isLast: true };
}

/** Looks up as many as there is time for, and appends what is missing of them, for which there is time left over. */
async function appendMissing(parts: SequencerParts, { commits, last }: Slice): Promise<Appended> {
  const missing: ListedCommit[] = [];
  let lookedUp = 0;
  for await (const { commit, isMissing } of missingCommits(commits, last, parts.heads)) {
    if (isMissing) missing.push(commit);
    lookedUp++;
    if (parts.isTimeUp()) break;
  }
  const next = commits[lookedUp];
  if (missing.length > 0) {
    const keys = missing.slice(0, LOGGED_KEYS).map(({ key }) => key);
    parts.log.warn("commits that appeared late", { count: missing.length, first: keys });
  }
  const origin = { found: "sweep", sequencedAt: parts.now(), coveredTo: (before: string) => before } as const;
  const appended = await append(Readable.from(missing), last, origin, parts);
  return appended.stoppedAt === undefined && next ? { ...appended, stoppedAt: next.key } : appended;
}

/** How far a slice is done that stopped at one of its commits. */
function doneBefore(stoppedAt: string, { commits, begin }: Slice): Pick<Slice, "after" | "isLast"> {
  const done = commits.filter(({ key }) => key < stoppedAt);
  return { after: done.at(-1)?.key ?? begin, isLast: false };
}
