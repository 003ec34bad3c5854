/**
 * Milliseconds since 1970 as they were when the process began, counted on without looking at the clock
 * again. A clock that is set must neither end a file early nor keep a heartbeat back.
 */
export function steadyNow(): number {
  return Math.round(performance.timeOrigin + performance.now());
}
