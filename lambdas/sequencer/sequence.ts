import { commitMinute, commitMinutePrefix, PREFIX } from "../../wire/keys.ts";
import { keyDigest } from "../../wire/segment.ts";
import { append, type Appended } from "./append.ts";
import { type ListedCommit, listCommits } from "../commit-log/commit-listing.ts";
import { KnownDigests } from "./known-digests.ts";
import type { SequencerParts } from "./sequencer-parts.ts";

/**
 * How long after the minute in its key a commit may still appear. The router names a commit by its clock and
 * writes it within the same invocation, so at most Lambda's 15 minutes later; 5 more are for clocks that differ.
 * What appears later is found by the sweep.
 */
const LOOK_BACK_MS = 20 * 60_000;

/**
 * How far ahead of this clock the minute in a key may be. S3 takes no request that was signed by a clock which
 * differs by more than 15 minutes. What is named by a later time is found by the sweep.
 */
const LOOK_AHEAD_MS = 16 * 60_000;

/**
 * Appends the commits that are there and not in the log, in the order of their keys. Looks at keys from where the
 * log covers them on; those before are the sweep's.
 *
 * Needs no state but the log. A segment is made from all segments before it, and put only if it is the next one:
 * so whoever runs at the same time, or dies at any point, nothing is in the log twice.
 */
export async function sequence(parts: SequencerParts): Promise<Appended> {
  const last = await parts.heads.last();
  const from = last?.head.coveredTo ?? PREFIX.commits;
  const known = await KnownDigests.from(from, last, parts.heads);
  // Before the listing, which may miss what appears while it goes on.
  const sequencedAt = parts.now();
  const horizon = commitMinutePrefix(new Date(sequencedAt.getTime() - LOOK_BACK_MS));
  const coveredTo = (before: string, next?: string): string => coverage(before, horizon, next);
  const listing = new NewCommits(parts, from, aheadOf(sequencedAt), known);
  const stoppedAt = (): string | undefined => listing.stoppedAt;
  return append(listing, last, { found: "listing", sequencedAt, coveredTo, stoppedAt }, parts);
}

/** Keys from here on are too far ahead to be looked at now. */
export const aheadOf = (now: Date): string => commitMinutePrefix(new Date(now.getTime() + LOOK_AHEAD_MS));

/** Commits from one key up to another that are not known, as far as there is time to list them. */
class NewCommits implements AsyncIterable<ListedCommit> {
  /** Key of the first that was left out since the time was up, however much of what follows is known. */
  stoppedAt: string | undefined;
  readonly #parts: SequencerParts;
  readonly #from: string;
  readonly #to: string;
  readonly #known: KnownDigests;

  constructor(parts: SequencerParts, from: string, to: string, known: KnownDigests) {
    this.#parts = parts;
    this.#from = from;
    this.#to = to;
    this.#known = known;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<ListedCommit> {
    const { s3, bucket, isTimeUp } = this.#parts;
    for await (const page of listCommits(s3, bucket, this.#from)) {
      for (const commit of page) {
        if (commit.key >= this.#to) return;
        if (isTimeUp()) {
          this.stoppedAt = commit.key;
          return;
        }
        if (!this.#known.has(keyDigest(commit.key))) yield commit;
      }
    }
  }
}

/** Up to the look-back, or up to the minute of the first commit that is left out; never back. */
function coverage(before: string, horizon: string, next: string | undefined): string {
  let reached = horizon;
  if (next !== undefined && next < horizon) {
    const minute = commitMinute(next);
    reached = minute ? commitMinutePrefix(minute) : before;
  }
  return reached > before ? reached : before;
}
