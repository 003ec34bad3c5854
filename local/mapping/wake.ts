/** setTimeout takes no more; whoever waits longer looks again. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** Lets tasks of one event loop wait for "something changed". A wake-up nobody waits for is lost. */
export class Wake {
  readonly #waiting = new Set<() => void>();

  wake(): void {
    for (const resume of this.#waiting) resume();
  }

  /** Resolves at the next wake-up, after `timeoutMs` (Infinity: not by time), or on abort. */
  wait(timeoutMs: number, signal: AbortSignal): Promise<void> {
    if (signal.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const resume = (): void => {
        clearTimeout(timer);
        signal.removeEventListener("abort", resume);
        this.#waiting.delete(resume);
        resolve();
      };
      const timer =
        timeoutMs < Infinity ? setTimeout(resume, Math.min(timeoutMs, LONGEST_TIMER_MS)) : undefined;
      signal.addEventListener("abort", resume, { once: true });
      this.#waiting.add(resume);
    });
  }
}
