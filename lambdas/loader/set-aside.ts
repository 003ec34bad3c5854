import { parseCommitKey } from "../../wire/keys.ts";
import { compareCursors, type Cursor } from "../commit-log/cursor.ts";
import type { SetAside } from "./state.ts";

/**
 * What could not be read, as intervals of the log: a run of commits takes as much of the state as one. They do not
 * hold up the table, and are tried again by turns, since a later release may read them, and somebody may have
 * mended or removed them in the lake.
 */

/** [from, to) */
export type Interval = Pick<SetAside, "from" | "to">;

/** Beyond these, the two that are closest become one, with all between: the ledger knows what is loaded of it. */
export const MAX_SET_ASIDE = 100;

/** The intervals with one more, which is the last to be tried again. */
export function appended(intervals: readonly SetAside[], interval: SetAside): SetAside[] {
  const last = intervals.at(-1);
  if (last !== undefined && compareCursors(last.to, interval.from) === 0 && sameTypes(last, interval)) {
    return [...intervals.slice(0, -1), joined(last, interval)];
  }
  return bounded([...intervals, interval], MAX_SET_ASIDE);
}

/** What is left of an interval when so many of its commits were tried, up to `reached`. */
export function remainder(interval: SetAside, reached: Cursor, tried: number): SetAside | undefined {
  if (compareCursors(reached, interval.to) >= 0) return undefined;
  return { ...interval, from: reached, count: Math.max(1, interval.count - tried) };
}

/** When a commit was written, as far as its key tells. */
export function minuteOf(key: string): Pick<SetAside, "oldestAt"> {
  try {
    return { oldestAt: parseCommitKey(key).writtenAt.toISOString() };
  } catch {
    return {}; // not the name of a commit at all
  }
}

/** The intervals as this many at most. */
export function bounded(intervals: readonly SetAside[], max: number): SetAside[] {
  if (intervals.length <= max) return [...intervals];
  // Turns go round the log, so the pair where they begin anew is as far apart as can be.
  const between = intervals.slice(1).map(({ from }, i) => {
    const segments = from.segment - intervals[i]!.to.segment;
    return segments < 0 ? Infinity : segments;
  });
  const closest = between.indexOf(Math.min(...between));
  return bounded(intervals.toSpliced(closest, 2, joined(intervals[closest]!, intervals[closest + 1]!)), max);
}

function joined(a: SetAside, b: SetAside): SetAside {
  const [from] = [a.from, b.from].toSorted(compareCursors);
  const [to] = [b.to, a.to].toSorted((a, b) => compareCursors(b, a));
  const [oldestAt] = [a.oldestAt, b.oldestAt].filter((at) => at !== undefined).toSorted();
  const types = a.types && b.types && [...new Set([...a.types, ...b.types])];
  return {
    from: from!,
    to: to!,
    count: a.count + b.count,
    ...(oldestAt !== undefined && { oldestAt }),
    ...(types && { types }),
  };
}

const sameTypes = (a: SetAside, b: SetAside): boolean => JSON.stringify(a.types) === JSON.stringify(b.types);
