import type { Report } from "./report.ts";

/** A type of which more lines were rejected than somebody wants to have. */
export interface OverLimit {
  readonly type: string;
  readonly lines: number;
  readonly rejected: number;
}

/**
 * A line that is rejected is accounted for, and still no row: a format that fits none of them balances.
 *
 * @param maxPercent of a type's lines, duplicates aside
 */
export function overLimit({ types }: Report, maxPercent: number): OverLimit[] {
  return Object.entries(types)
    .map(([type, { lines, rejected, duplicates }]) => ({ type, lines: lines - duplicates, rejected }))
    .filter(({ lines, rejected }) => rejected > (lines * maxPercent) / 100);
}
