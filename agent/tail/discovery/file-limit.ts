import type { Logger } from "pino";

const TELL_EVERY_MS = 600_000;

interface FileLimitOptions {
  /** Files that may be followed at once. */
  readonly maxFiles?: number | undefined;
  readonly log: Logger;
  readonly now: () => number;
}

/**
 * Keeps no more files than fit in memory, where each takes a little whether or not it grows. Others wait for
 * their turn: they are told of, and none is passed over in silence.
 */
export class FileLimit {
  readonly #options: FileLimitOptions;
  readonly #count: () => number;
  #nextTellMs = -Infinity;
  /** Files that the last search found and that are not followed for want of room. */
  waiting = 0;

  /** @param count of files that are followed */
  constructor(options: FileLimitOptions, count: () => number) {
    this.#options = options;
    this.#count = count;
  }

  /** As many more may be followed. */
  get room(): number {
    return Math.max(0, (this.#options.maxFiles ?? Infinity) - this.#count());
  }

  /** Call after a search. */
  found(waiting: number): void {
    const { log, now, maxFiles } = this.#options;
    const before = this.waiting;
    this.waiting = waiting;
    if (waiting === 0) {
      if (before > 0) log.info("every file that matches is followed now");
      this.#nextTellMs = -Infinity;
    } else if (now() >= this.#nextTellMs) {
      this.#nextTellMs = now() + TELL_EVERY_MS;
      const followed = this.#count();
      log.error({ matching: followed + waiting, followed, waiting, maxFiles }, tooMany(waiting));
    }
  }
}

function tooMany(waiting: number): string {
  return (
    `${waiting} files that match are not read yet, as more are not followed at once: raise tail.max_files, ` +
    "or the memory that it follows from, or name fewer by path, exclude and ignore_older_ms"
  );
}
