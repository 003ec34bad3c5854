import { setTimeout as sleep } from "node:timers/promises";

/** Time, as far as the producer waits for it. */
export interface Clock {
  /** Milliseconds since any moment. */
  readonly now: () => number;
  /** @throws AbortError */
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<void>;
}

/** Not moved by who sets the host's clock. */
export const steadyClock: Clock = {
  now: () => performance.now(),
  sleep: (ms, signal) => sleep(ms, undefined, { signal }),
};
