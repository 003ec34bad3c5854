import type { Logger } from "pino";

const QUIET_MS = 60_000;
/** Told apart at a time; of more, the oldest are told again sooner. */
const MOST = 1_000;

interface Repeat {
  readonly sinceMs: number;
  readonly fields: object;
  readonly message: string;
  times: number;
}

/**
 * Warnings that others cause, as often as they like: each kind of them is logged when it comes, and what comes of it
 * in the minute after that in one line with the next one.
 */
export class Repeats {
  readonly #log: Logger;
  readonly #repeats = new Map<string, Repeat>();

  constructor(log: Logger) {
    this.#log = log;
  }

  /** @param key of what is the same */
  warn(key: string, fields: object, message: string, nowMs = performance.now()): void {
    const repeat = this.#repeats.get(key);
    if (repeat && nowMs - repeat.sinceMs < QUIET_MS) {
      repeat.times++;
      return;
    }
    if (this.#repeats.size >= MOST) this.#tell(this.#repeats.keys().next().value!);
    this.#repeats.delete(key);
    const since = repeat && repeat.times > 0 ? { timesSince: repeat.times } : {};
    this.#repeats.set(key, { sinceMs: nowMs, fields, message, times: 0 });
    this.#log.warn({ ...fields, ...since }, message);
  }

  /** What was not told of yet. */
  end(): void {
    for (const key of this.#repeats.keys()) this.#tell(key);
  }

  #tell(key: string): void {
    const { fields, message, times } = this.#repeats.get(key)!;
    this.#repeats.delete(key);
    if (times > 0) this.#log.warn({ ...fields, times }, `${message}, as before`);
  }
}
