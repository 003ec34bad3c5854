import { dirname } from "node:path";
import { DirectoryWatches, type WatchOptions } from "./directory-watches.ts";
import type { FollowedFile } from "../files/followed-file.ts";

/** Where something was written, more may follow: a file is not idle before this time has passed. */
const IDLE_AFTER_MS = 2_000;

/** An idle file is looked at again after this part of the time that it has been idle. */
const IDLE_PART = 1 / 20;

/** A file that goes on after it has ended, or comes back, is rare, and those that have ended may be many. */
const OVER_EVERY_MS = 30_000;

/** Looking at a file and reading what has come takes about a tenth of this. */
const PAUSE_PER_FILE_MS = 0.5;
const LONGEST_PAUSE_MS = 1_000;

/** Events that come in a row are one. */
const LEAST_PAUSE_MS = 10;

export interface ScheduleOptions extends Pick<WatchOptions, "log" | "now"> {
  readonly idlePollMs: number;
  /** Of files whose directory is watched. 0: none is. */
  readonly watchedPollMs: number;
}

/**
 * When each file is looked at: at every poll while it grows, less and less often while it is idle, and
 * seldom where the kernel tells of changes, which then brings the look forward.
 */
export class LookSchedule {
  readonly #options: ScheduleOptions;
  readonly #watches: DirectoryWatches;
  readonly #dueMs = new WeakMap<FollowedFile, number>();
  /** Locations of idle files: an event for one of them cannot wait for the next poll. */
  #asleep: ReadonlySet<string> = new Set<string>();
  /** Paths that something happened to since they were looked at. */
  #touched = new Set<string>();
  /** Names have come or gone. */
  #hasNewNames = false;
  #isWoken = false;
  /** Times at which the first of all is due, and the first that the kernel tells nothing of. */
  #firstMs = 0;
  #nextMs = 0;
  /** Files that were looked at when last they were due. */
  #looked = 0;
  #wake: () => void = () => {};

  constructor(options: ScheduleOptions) {
    this.#options = options;
    const { log, now } = options;
    const onChange = (path: string, isRename: boolean): void => this.#take(path, isRename);
    const isNeeded = (directory: string): boolean => this.#hasAsleep(directory);
    this.#watches = new DirectoryWatches({ log, now, onChange, isNeeded });
  }

  #hasAsleep(directory: string): boolean {
    for (const path of this.#asleep) if (dirname(path) === directory) return true;
    return false;
  }

  #take(path: string, isRename: boolean): void {
    this.#touched.add(path);
    this.#hasNewNames ||= isRename;
    if (!isRename && !this.#asleep.has(path)) return;
    this.#isWoken = true;
    this.#wake();
  }

  /** @param directories in which files are, or may appear */
  watch(directories: ReadonlySet<string>): void {
    if (this.#options.watchedPollMs > 0 && this.#watches.follow(directories)) this.#hasNewNames = true;
  }

  /** True when names have changed since it was last asked. */
  takeNewNames(): boolean {
    const hasNewNames = this.#hasNewNames;
    this.#hasNewNames = false;
    return hasNewNames;
  }

  /** Those that it is time to look at. */
  *due(files: Iterable<FollowedFile>, isAll: boolean): Generator<FollowedFile> {
    const nowMs = this.#options.now();
    const touched = this.#touched;
    this.#isWoken = false;
    this.#looked = 0;
    // Asking each of many idle files every second would be most of what they cost.
    if (!isAll && touched.size === 0 && nowMs < this.#firstMs) return;
    this.#touched = new Set();
    const asleep = new Set<string>();
    let firstMs = Infinity;
    this.#nextMs = Infinity;
    for (const file of files) {
      const isDue = isAll || (this.#dueMs.get(file) ?? 0) <= nowMs || touched.has(file.location);
      if (isDue) {
        yield file;
        this.#looked++;
        this.#dueMs.set(file, this.#dueAgainMs(file, nowMs));
      }
      const dueMs = this.#dueMs.get(file)!;
      firstMs = Math.min(firstMs, dueMs);
      if (dueMs > nowMs) asleep.add(file.location);
      if (file.whyPolled !== undefined || dueMs <= nowMs) this.#nextMs = Math.min(this.#nextMs, dueMs);
    }
    this.#asleep = asleep;
    this.#firstMs = firstMs;
  }

  /** Call when there may be other files than before, or some elsewhere: the next look asks each of them. */
  startOver(): void {
    this.#firstMs = 0;
  }

  /** Between two looks at as many files as the last, so that they take a bounded part of the time. */
  get leastPauseMs(): number {
    return Math.min(LONGEST_PAUSE_MS, this.#looked * PAUSE_PER_FILE_MS);
  }

  /** For how long none of them has to be looked at, unless the kernel tells of a change: about, and at most `mostMs`. */
  idleMs(mostMs: number): number {
    return Math.min(mostMs, Math.max(0, this.#nextMs - this.#options.now()));
  }

  #dueAgainMs(file: FollowedFile, nowMs: number): number {
    if (file.isOver) {
      file.known.rest();
      return nowMs + OVER_EVERY_MS;
    }
    const { idlePollMs, watchedPollMs } = this.#options;
    file.whyPolled = watchedPollMs > 0 ? this.#whyPolled(file) : "tail.watched_poll_ms is 0";
    const idleMs = nowMs - file.changedAtMs;
    if (idleMs < IDLE_AFTER_MS) return 0;
    file.known.rest();
    return nowMs + (file.whyPolled === undefined ? watchedPollMs : Math.min(idlePollMs, idleMs * IDLE_PART));
  }

  #whyPolled({ place, location }: FollowedFile): string | undefined {
    if (place.hasOtherNames) return "it has other names";
    return this.#watches.whyPolled(dirname(location));
  }

  /** Waits for the next poll, or until an idle file changes. */
  async pause(ms: number, signal: AbortSignal): Promise<void> {
    if (signal.aborted) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    const over = (): void => resolve();
    const leastMs = Math.min(ms, LEAST_PAUSE_MS);
    const beganAtMs = performance.now();
    let timer = setTimeout(over, this.#isWoken ? leastMs : ms);
    this.#wake = () => {
      this.#wake = () => {};
      clearTimeout(timer);
      timer = setTimeout(over, Math.max(0, beganAtMs + leastMs - performance.now()));
    };
    signal.addEventListener("abort", over);
    await promise;
    signal.removeEventListener("abort", over);
    this.#wake = () => {};
    clearTimeout(timer);
  }

  close(): void {
    this.#watches.close();
  }
}
