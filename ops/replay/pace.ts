import { setTimeout as sleep } from "node:timers/promises";

/** Lets so many bytes a second through, whoever asks. */
export class Pace {
  readonly #bytesPerSecond: number;
  #freeAtMs = 0;

  /** @param bytesPerSecond Infinity for no limit */
  constructor(bytesPerSecond: number) {
    this.#bytesPerSecond = bytesPerSecond;
  }

  /** Resolves once what was spent has had its time. */
  async ready(): Promise<void> {
    const waitMs = this.#freeAtMs - Date.now();
    if (waitMs > 0) await sleep(waitMs);
  }

  spend(bytes: number): void {
    this.#freeAtMs = Math.max(Date.now(), this.#freeAtMs) + (bytes / this.#bytesPerSecond) * 1_000;
  }
}
