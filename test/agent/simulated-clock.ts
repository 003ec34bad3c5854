import { setImmediate as settled } from "node:timers/promises";
import type { Clock } from "../../agent/steady-clock.ts";

interface Sleeper {
  readonly atMs: number;
  readonly wake: () => void;
}

/** A clock that stands still while anything runs, and then jumps to the next moment that is waited for. */
export class SimulatedClock implements Clock {
  #nowMs = 0;
  readonly #sleepers = new Set<Sleeper>();

  readonly now = (): number => this.#nowMs;

  readonly sleep = (ms: number, signal: AbortSignal): Promise<void> =>
    new Promise((resolve, reject) => {
      signal.throwIfAborted();
      const end = () => {
        this.#sleepers.delete(sleeper);
        signal.removeEventListener("abort", abort);
      };
      const abort = () => {
        end();
        reject(signal.reason as Error);
      };
      const wake = () => {
        end();
        resolve();
      };
      const sleeper = { atMs: this.#nowMs + Math.max(0, ms), wake };
      this.#sleepers.add(sleeper);
      signal.addEventListener("abort", abort);
    });

  /** Lets time pass until then. */
  async runTo(untilMs: number): Promise<void> {
    for (;;) {
      await settled();
      const next = [...this.#sleepers].sort((a, b) => a.atMs - b.atMs)[0];
      if (next === undefined || next.atMs > untilMs) break;
      this.#nowMs = next.atMs;
      next.wake();
    }
    this.#nowMs = untilMs;
  }
}
