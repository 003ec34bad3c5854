/** Upper bounds of Prometheus' own default, in seconds. */
const BOUNDS_SECONDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

/** How long calls take, as a histogram. */
export class Latency {
  /** Calls up to each bound, and those over the last. */
  readonly #counts = Array<number>(BOUNDS_SECONDS.length + 1).fill(0);
  sumSeconds = 0;
  count = 0;

  observe(ms: number): void {
    const seconds = ms / 1_000;
    const bucket = BOUNDS_SECONDS.findIndex((bound) => seconds <= bound);
    this.#counts[bucket === -1 ? BOUNDS_SECONDS.length : bucket]!++;
    this.sumSeconds += seconds;
    this.count++;
  }

  /** Calls that took at most as long as each bound; the last is infinite. */
  get cumulative(): { readonly boundSeconds: number; readonly count: number }[] {
    let count = 0;
    return [...BOUNDS_SECONDS, Infinity].map((boundSeconds, i) => ({
      boundSeconds,
      count: (count += this.#counts[i]!),
    }));
  }

  /** The same calls, each observed to its end, however it ends. */
  timed<Args extends unknown[], T>(call: (...args: Args) => Promise<T>): (...args: Args) => Promise<T> {
    return async (...args) => {
      const startedAtMs = performance.now();
      try {
        return await call(...args);
      } finally {
        this.observe(performance.now() - startedAtMs);
      }
    };
  }
}
