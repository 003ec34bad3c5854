import { PREFIX } from "../../wire/keys.ts";
import { COMMIT_MAX_BYTES } from "../../wire/limits.ts";
import type { SegmentHead } from "../../wire/segment.ts";
import type { ListedCommit } from "../commit-log/commit-listing.ts";
import type { KnownHead } from "./log-heads.ts";
import { readAhead } from "../commit-log/read-ahead.ts";
import { CommitReader } from "./read-commit.ts";
import { SegmentDraft } from "./segment-draft.ts";
import { SequencerError } from "./sequencer-error.ts";
import type { SequencerParts } from "./sequencer-parts.ts";

/** A GET takes some 20 ms, most of it waiting. Bodies of so many bytes, and one more, are held. */
const READ_AHEAD = { items: 32, bytes: 8 * COMMIT_MAX_BYTES };

/** What a run's segments say of themselves. */
export interface SegmentOrigin {
  readonly found: SegmentHead["found"];
  readonly sequencedAt: Date;
  /** @param before of the segment before @param next key of the first commit that is left out, if any is */
  readonly coveredTo: (before: string, next: string | undefined) => string;
  /** Asked when the commits are all taken: key of the first that was left out, if any was. */
  readonly stoppedAt?: () => string | undefined;
}

export interface Appended {
  readonly segments: number;
  readonly commits: number;
  readonly unreadable: number;
  /** Key of the first commit that was left for another run. */
  readonly stoppedAt?: string;
  /** Why, unless the time was up. */
  readonly failure?: Error;
  /** Somebody else put the segment that was next: what there is to append is to be found anew. */
  readonly isOvertaken: boolean;
}

/**
 * Appends commits to the log, in this order, as segments after `last`. Stops before the first that cannot be read
 * now: whatever comes after it in order waits as well.
 */
export async function append(
  commits: AsyncIterable<ListedCommit>,
  last: KnownHead | undefined,
  origin: SegmentOrigin,
  { s3, bucket, heads, limits, log }: SequencerParts,
): Promise<Appended> {
  const reader = new CommitReader(s3, bucket);
  const done = { segments: 0, commits: 0, unreadable: 0 };
  let draft: SegmentDraft | undefined;
  let left: Pick<Appended, "stoppedAt" | "failure"> = {};

  const put = async (draft: SegmentDraft, next?: string): Promise<boolean> => {
    const coveredTo = origin.coveredTo(last?.head.coveredTo ?? PREFIX.commits, next);
    const { head, bytes } = await draft.end(last, { ...origin, coveredTo });
    last = await heads.put(head, bytes);
    if (!last) return false;
    done.segments++;
    done.commits += draft.commits;
    done.unreadable += draft.unreadable;
    return true;
  };

  for await (const { item, result: early } of readAhead(
    commits,
    (commit) => reader.read(commit),
    READ_AHEAD,
  )) {
    const { key } = item;
    const result = await reader.settle(item, early);
    if ("failed" in result) {
      left = { stoppedAt: key, failure: unreadNow(key, result.failed) };
      break;
    }
    if ("gone" in result) {
      log.warn("a commit was removed before it was in the log", { key });
      continue;
    }
    if (result.unreadable !== undefined) log.warn("unreadable commit", { key, why: result.unreadable });
    if (draft && !draft.hasRoom(result)) {
      if (!(await put(draft, key))) return { ...done, isOvertaken: true };
      draft = undefined;
    }
    draft ??= new SegmentDraft(limits);
    await draft.add(key, result);
  }
  const stoppedAt = origin.stoppedAt?.();
  if (stoppedAt !== undefined && left.stoppedAt === undefined) left = { stoppedAt };
  const isOvertaken = draft !== undefined && !(await put(draft, left.stoppedAt));
  return { ...done, ...(isOvertaken ? {} : left), isOvertaken };
}

function unreadNow(key: string, cause: Error): SequencerError {
  const hint = "the next run tries again, and what comes after it waits";
  return new SequencerError("UNREADABLE", `${key}: ${cause.name}, ${cause.message}`, hint, { cause });
}
