import { keyDigest } from "../../wire/segment.ts";
import type { ListedCommit } from "../commit-log/commit-listing.ts";
import { sweepBefore } from "./known-digests.ts";
import type { KnownHead, LogHeads } from "./log-heads.ts";

/** Heads that are read at a time. */
const HEADS_AT_ONCE = 32;

/**
 * Those of some commits, in the order of their keys, that are not in the log. Reads only the heads of segments that may
 * hold them: all of the sweep's; and of the listing's, from the first whose `listedTo` reaches the key to the
 * first that covers it, since no listing after that one looks at it.
 *
 * @param last segment there is
 */
export async function* missingCommits(
  commits: readonly ListedCommit[],
  last: KnownHead | undefined,
  heads: LogHeads,
): AsyncGenerator<{ readonly commit: ListedCommit; readonly isMissing: boolean }> {
  const swept = await sweptOf(commits, last, heads);
  let [from, to] = [1, 0];
  for (const commit of commits) {
    const { key } = commit;
    const digest = keyDigest(key);
    if (swept.has(digest)) yield { commit, isMissing: false };
    else if (!last || last.head.listedTo < key) yield { commit, isMissing: true };
    else {
      from = await firstSegment(from, last, heads, ({ head }) => head.listedTo >= key);
      to = await firstSegment(Math.max(from, to), last, heads, ({ head }) => head.coveredTo > key);
      yield { commit, isMissing: !(await isIn(digest, from, to, heads)) };
    }
  }
}

/** Those of the commits that a sweep has found before. */
async function sweptOf(
  commits: readonly ListedCommit[],
  last: KnownHead | undefined,
  heads: LogHeads,
): Promise<ReadonlySet<string>> {
  const digests = commits.map(({ key }) => keyDigest(key));
  const swept = new Set<string>();
  let segment = last?.head.found === "listing" ? await sweepBefore(last, heads) : last;
  for (; segment; segment = await sweepBefore(segment, heads)) {
    for (const digest of digests) if (segment.digests.has(digest)) swept.add(digest);
  }
  return swept;
}

async function isIn(digest: string, from: number, to: number, heads: LogHeads): Promise<boolean> {
  for (let first = from; first <= to; first += HEADS_AT_ONCE) {
    const numbers = Array.from({ length: Math.min(HEADS_AT_ONCE, to - first + 1) }, (_, i) => first + i);
    const known = await Promise.all(numbers.map((segment) => heads.head(segment)));
    if (known.some(({ digests }) => digests.has(digest))) return true;
  }
  return false;
}

/**
 * The first segment at or after `from` that `reaches` holds for, and so for all after it; the last one where it
 * holds for none. Looks near `from` first: commits come in the order of their keys.
 */
async function firstSegment(
  from: number,
  last: KnownHead,
  heads: LogHeads,
  reaches: (segment: KnownHead) => boolean,
): Promise<number> {
  const end = last.head.segment;
  let step = 1;
  let [low, high] = [from, from];
  while (high < end && !reaches(await heads.head(high))) {
    low = high + 1;
    high = Math.min(end, high + step);
    step *= 2;
  }
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    if (reaches(await heads.head(middle))) high = middle;
    else low = middle + 1;
  }
  return low;
}
