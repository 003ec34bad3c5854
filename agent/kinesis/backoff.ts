import { setTimeout as sleep } from "node:timers/promises";

/** Waits grow from the first to the longest; each is drawn at random, so that hosts do not retry in step. */
const FIRST_MS = 100;
const LONGEST_MS = 20_000;

/**
 * Milliseconds to wait before a retry: "full jitter" over an exponential bound.
 * source: https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/, read 2026-11
 *
 * @param attempt 0 before the first retry
 * @param random in [0, 1)
 */
export function backoffMs(attempt: number, random: number): number {
  return random * Math.min(LONGEST_MS, FIRST_MS * 2 ** Math.min(attempt, 30));
}

/** @throws AbortError */
export async function backOff(attempt: number, signal: AbortSignal): Promise<void> {
  await sleep(backoffMs(attempt, Math.random()), undefined, { signal });
}
