/** How long work may keep everything else waiting, and how many bytes are read before it is asked again. */
const TURN_MS = 8;
export const BYTES_BETWEEN_LOOKS = 16 * 2 ** 10;

/**
 * Shares the event loop with everything else that happens on it: all who decode have together one short turn in each
 * round of the loop. Who has more to do waits for another, one after the other.
 */
export class LoopTurns {
  readonly #waiting: (() => void)[] = [];
  #endsAt = 0;
  #isScheduled = false;

  /** True when it is time to let others go on. */
  get isOver(): boolean {
    this.#schedule();
    return performance.now() >= this.#endsAt;
  }

  /** Resolves at once where there is time left and nobody else waits for it. */
  async next(): Promise<void> {
    if (this.#waiting.length === 0 && !this.isOver) return;
    await new Promise<void>((resolve) => {
      this.#waiting.push(resolve);
      this.#schedule();
    });
  }

  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    this.#endsAt = performance.now() + TURN_MS;
    setImmediate(this.#begin);
  }

  readonly #begin = (): void => {
    this.#isScheduled = false;
    const resume = this.#waiting.shift();
    if (resume === undefined) return;
    this.#schedule();
    resume();
  };
}
