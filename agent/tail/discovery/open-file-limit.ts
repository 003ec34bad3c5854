import type { Logger } from "pino";
import type { FollowedFile } from "../files/followed-file.ts";
import type { FollowedFiles } from "../files/followed-files.ts";

/** Of the files that may be open: choosing which to close costs more than closing does. */
const CLOSED_AT_ONCE = 1 / 8;

/** So long after a refusal the limit is raised by such a part, and again: what used up the system's may be over. */
const RAISE_EVERY_MS = 300_000;
const RAISED_BY = 1 / 4;

interface OpenFileLimitOptions {
  readonly maxOpenFiles: number;
  readonly log: Logger;
  readonly now: () => number;
}

/** Keeps no more files open than may be. What is closed can be found again, and is opened when it grows. */
export class OpenFileLimit {
  readonly #files: FollowedFiles;
  readonly #options: OpenFileLimitOptions;
  /** Fewer than are configured for some time after the system refused one. */
  #most: number;
  /** When it last refused one, or the limit was raised. */
  #setAtMs = 0;
  /** At most so many are open. They are counted when that is too many. */
  #openAtMost = Infinity;
  #isStarved = false;

  constructor(files: FollowedFiles, options: OpenFileLimitOptions) {
    this.#files = files;
    this.#options = options;
    this.#most = options.maxOpenFiles;
  }

  /** True when a file could not be opened since it was last asked, and now can be, as others are closed. */
  takeStarved(): boolean {
    const isStarved = this.#isStarved;
    this.#isStarved = false;
    return isStarved;
  }

  /**
   * Makes room for one more, closing files that were idle the longest.
   *
   * @returns false when there is none yet, but will be once what is open is read
   */
  async makeRoom(): Promise<boolean> {
    if (this.#most < this.#options.maxOpenFiles) this.#raise();
    if (this.#openAtMost < this.#most) {
      this.#openAtMost++;
      return true;
    }
    const open = this.#open();
    this.#openAtMost = open.length;
    const active = open.filter(({ phase, error }) => phase === "active" && error === undefined);
    if (open.length >= this.#most) {
      const waiting = active.filter(({ isAtEnd, limitedTo }) => isAtEnd || limitedTo !== undefined);
      const idle = waiting.sort((a, b) => a.changedAtMs - b.changedAtMs);
      const tooMany = open.length - this.#most + Math.max(1, Math.floor(this.#most * CLOSED_AT_ONCE));
      if (idle.length === 0 && active.length > 0) return false;
      await this.#close(idle.slice(0, tooMany));
    }
    this.#openAtMost++;
    return true;
  }

  /** The system lets us have fewer files than the configuration does; sockets and the checkpoint need some. */
  async openFewer(): Promise<void> {
    this.#setAtMs = this.#options.now();
    const open = this.#open();
    const fewer = Math.floor((open.length * 3) / 4);
    if (fewer === 0 || fewer >= this.#most) return;
    this.#most = fewer;
    this.#isStarved = true;
    this.#options.log.warn({ maxOpenFiles: fewer }, "fewer files are kept open for some time");
    const closable = open.filter(({ phase }) => phase === "active");
    this.#openAtMost = open.length;
    await this.#close(closable.slice(0, open.length - fewer));
  }

  /** By as many steps as were due since it was last asked for room. */
  #raise(): void {
    const { maxOpenFiles, log, now } = this.#options;
    const nowMs = now();
    while (this.#most < maxOpenFiles && nowMs - this.#setAtMs >= RAISE_EVERY_MS) {
      this.#most = Math.min(maxOpenFiles, Math.ceil(this.#most * (1 + RAISED_BY)));
      this.#setAtMs += RAISE_EVERY_MS;
    }
    if (this.#most === maxOpenFiles)
      log.info({ maxOpenFiles }, "as many files are kept open again as configured");
  }

  #open(): FollowedFile[] {
    return Array.from(this.#files.latest()).filter(({ isOpen }) => isOpen);
  }

  async #close(files: readonly FollowedFile[]): Promise<void> {
    for (const { place } of files) await place.close();
    this.#openAtMost -= files.length;
  }
}
