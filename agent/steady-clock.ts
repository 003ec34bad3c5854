import { setTimeout as sleep } from "node:timers/promises";

/** Time, as far as somebody waits for it. */
export interface Clock {
  /** Milliseconds; only differences count. */
  readonly now: () => number;
  /** @throws AbortError */
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<void>;
}

/**
 * Milliseconds since 1970 as they were when the process began, counted on without looking at the clock
 * again. A clock that is set must neither end a file early nor keep a heartbeat or a retry back.
 */
export function steadyNow(): number {
  return Math.round(performance.timeOrigin + performance.now());
}

/** What the wall clock would have shown then, had it been as it is set now: for others to read. */
export function wallClockAt(steadyMs: number): Date {
  return new Date(Date.now() - (steadyNow() - steadyMs));
}

const TICK_MS = 1_000;

/**
 * Milliseconds to wait where half a second more or less does not matter: whoever waits for a second or more wakes at
 * the turn of one. Being woken costs an idle process more than what it then does, and so it is for all of them at once.
 */
export function toTick(ms: number, nowMs = performance.now()): number {
  if (ms < TICK_MS) return ms;
  const past = nowMs % TICK_MS;
  return Math.ceil(past > TICK_MS / 2 ? ms + TICK_MS - past : ms - past);
}

export const steadyClock: Clock = {
  now: steadyNow,
  sleep: (ms, signal) => sleep(ms, undefined, { signal }),
};
