/** Clocks run ahead, and local time is up to 14 h ahead of UTC. */
const AHEAD_MS = 86_400_000;

/** 29 February may be that long ago: between 1896 and 1904 there was none. */
const MAX_YEARS_BACK = 8;

/**
 * Of a time without a year: the latest one that does not put it after arrival, give or take a day. So a line may come
 * up to a year late, less a day, and no more.
 *
 * @param epochMs of the time in a year, NaN where there is none
 */
export function inLatestYear(arrivedAtMs: number, epochMs: (year: number) => number): number | undefined {
  const latest = new Date(arrivedAtMs + AHEAD_MS).getUTCFullYear();
  for (let year = latest; year >= latest - MAX_YEARS_BACK; year--) {
    const ms = epochMs(year);
    if (ms <= arrivedAtMs + AHEAD_MS) return ms;
  }
  return undefined;
}
