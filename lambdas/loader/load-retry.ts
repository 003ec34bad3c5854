import type { Outcome } from "./outcome.ts";

/** A transient failure is tried again after 1, 2, 4, 8 and 16 minutes. */
const TRANSIENT_RETRIES = 5;
const RETRY_MS = 60_000;
/**
 * A transaction that another one was in the way of is tried again at once, then as others are, and never rests for an
 * hour: of those that are in each other's way, one gets through each time. It is told when it is so for long.
 */
const CONFLICT_RETRIES_AT_ONCE = 3;
const CONFLICT_MAX_WAIT_MS = 15 * RETRY_MS;
const CONFLICTS_TOLD = 10;
/**
 * Any other failure stays open and is tried once an hour: somebody may have mended the table or the
 * permission, and nobody should have to unlock a load by hand.
 */
const FAILED_RETRY_MS = 3_600_000;

/** When a load is tried again that has failed so often, and whether somebody is to know of it. */
export function retryOf(
  { transient, isAway, isConflict }: Extract<Outcome, { kind: "failed" }>,
  count: number,
): { readonly waitMs: number; readonly isTold: boolean } {
  if (isAway) return { waitMs: 0, isTold: false };
  if (isConflict) {
    const waits = count - CONFLICT_RETRIES_AT_ONCE;
    const waitMs = waits <= 0 ? 0 : Math.min(RETRY_MS * 2 ** (waits - 1), CONFLICT_MAX_WAIT_MS);
    return { waitMs, isTold: count >= CONFLICTS_TOLD };
  }
  if (transient && count <= TRANSIENT_RETRIES) return { waitMs: RETRY_MS * 2 ** (count - 1), isTold: false };
  return { waitMs: FAILED_RETRY_MS, isTold: true };
}
