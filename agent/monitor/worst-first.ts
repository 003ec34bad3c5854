import { type Pace, undeliveredBytes } from "./pace.ts";
import type { WatchedSource } from "./watched-source.ts";

/** What somebody has to look at comes first: errors, then what lags the longest, then what is busy. */
export function worstFirst(files: readonly WatchedSource[], pace: Pace): WatchedSource[] {
  const ranked = files.map((file) => ({
    file,
    rank: [
      Number(file.error !== undefined),
      pace.lagMs(file),
      undeliveredBytes(file),
      pace.bytesPerSecond(file),
    ],
  }));
  ranked.sort((a, b) => compare(b.rank, a.rank) || (a.file.location < b.file.location ? -1 : 1));
  return ranked.map(({ file }) => file);
}

function compare(a: readonly number[], b: readonly number[]): number {
  const i = a.findIndex((value, i) => value !== b[i]);
  return i === -1 ? 0 : a[i]! - b[i]!;
}
