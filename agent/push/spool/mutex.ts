import { setImmediate } from "node:timers/promises";

/**
 * Lets in one who waits after the other. Whoever waited comes after what the one before has brought: were
 * all of them let in at once, nothing would bound what they bring together.
 */
export class Mutex {
  #last: Promise<unknown> = Promise.resolve();
  #waiting = 0;

  get isQueued(): boolean {
    return this.#waiting > 0;
  }

  /** Resolves once it is their turn and what they wait for has come. @throws what that fails with */
  async wait(until: () => Promise<void>): Promise<void> {
    this.#waiting++;
    const turn = this.#last.then(until);
    this.#last = turn
      .catch(() => {})
      .finally(() => this.#waiting--)
      .then(() => setImmediate());
    await turn;
  }
}
