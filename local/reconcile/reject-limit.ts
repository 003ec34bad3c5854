/** Limit for somebody's own logs: a format that does not fit rejects far more, and a few lines are always odd. */
export const MAX_REJECTED_PERCENT = 5;

/** What became of a type's lines, as far as the limit asks. */
export interface RejectCounts {
  readonly lines: number;
  readonly rejected: number;
  readonly duplicates: number;
}

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
export function overLimit(
  { types }: { readonly types: Readonly<Record<string, RejectCounts>> },
  maxPercent: number,
): OverLimit[] {
  return Object.entries(types)
    .map(([type, { lines, rejected, duplicates }]) => ({ type, lines: lines - duplicates, rejected }))
    .filter(({ lines, rejected }) => rejected > (lines * maxPercent) / 100);
}
