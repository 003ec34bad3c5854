import { type FSWatcher, statSync, watch } from "node:fs";
import { basename, join } from "node:path";
import type { Logger } from "pino";
import { systemCode, systemReason } from "../../agent-error.ts";
import { isLocal } from "../disk/file-system.ts";

/** Above it, an event for each write costs more than looking at the files does. */
const MOST_EVENTS_PER_SECOND = 20;

/** The same of events that nobody waits for: files that grow are looked at all the time. */
const MOST_UNNEEDED_PER_SECOND = 4;

/** After which what could not be watched is tried again. */
const TRY_AGAIN_MS = { busy: 5_000, refused: 60_000 };

/** Limits of the system: one that is reached concerns very many directories at once. source: inotify(7) */
const LIMITS: Readonly<Record<string, string>> = {
  ENOSPC: "fs.inotify.max_user_watches is reached",
  EMFILE: "fs.inotify.max_user_instances is reached, or no more files can be open",
};

const POLLED = "not watched, and looked at more often instead";

export interface WatchOptions {
  /** Something happened to a file. `isRename`: its name appeared, disappeared, or stands for another file. */
  readonly onChange: (path: string, isRename: boolean) => void;
  /** Whether a file in a directory is looked at sooner for an event. */
  readonly isNeeded: (directory: string) => boolean;
  readonly log: Logger;
  readonly now: () => number;
}

interface Watch {
  readonly watcher: FSWatcher;
  readonly inode: number;
  /** In the second that began then. */
  events: number;
  sinceMs: number;
}

/**
 * Has the kernel tell of changes in directories, so that idle files need no looking at. It only ever brings
 * a look forward: events that are lost, or never come, cost time and nothing else.
 */
export class DirectoryWatches {
  readonly #options: WatchOptions;
  readonly #watches = new Map<string, Watch>();
  /** Directories that are not watched now, and why. */
  readonly #polled = new Map<string, { readonly why: string; readonly untilMs: number }>();
  #isLimitTold = false;

  constructor(options: WatchOptions) {
    this.#options = options;
  }

  /**
   * Watches these directories and no others, as far as it can.
   *
   * @returns true when one is watched from now on: what happened before then is to be looked for once more
   */
  follow(directories: ReadonlySet<string>): boolean {
    for (const directory of this.#watches.keys()) if (!directories.has(directory)) this.#stop(directory);
    for (const directory of this.#polled.keys()) {
      if (!directories.has(directory)) this.#polled.delete(directory);
    }
    let isNew = false;
    for (const directory of directories) isNew = this.#keep(directory) || isNew;
    this.#tellLimit();
    return isNew;
  }

  /** @returns undefined while it is watched */
  whyPolled(directory: string): string | undefined {
    if (this.#watches.has(directory)) return undefined;
    return this.#polled.get(directory)?.why ?? "not watched yet";
  }

  close(): void {
    for (const directory of this.#watches.keys()) this.#stop(directory);
  }

  /** @returns true when it is watched from now on */
  #keep(directory: string): boolean {
    try {
      return this.#keepAt(inodeOf(directory), directory);
    } catch (error) {
      this.#refused(directory, error);
      return false;
    }
  }

  /** @throws when it cannot be watched */
  #keepAt(inode: number | undefined, directory: string): boolean {
    const watched = this.#watches.get(directory);
    if (watched) {
      if (watched.inode === inode) return false;
      this.#stop(directory);
    }
    const { untilMs } = this.#polled.get(directory) ?? { untilMs: 0 };
    if (inode === undefined || this.#options.now() < untilMs) return false;
    if (!isLocal(directory)) {
      this.#poll(directory, "not a local file system", TRY_AGAIN_MS.refused);
      return false;
    }
    this.#start(directory, inode);
    return true;
  }

  #start(directory: string, inode: number): void {
    const watcher = watch(directory, { persistent: false });
    this.#watches.set(directory, { watcher, inode, events: 0, sinceMs: this.#options.now() });
    this.#polled.delete(directory);
    watcher.on("change", (type, name) => this.#take(directory, type, String(name)));
    watcher.on("error", (error) => this.#refused(directory, error));
  }

  #take(directory: string, type: string, name: string): void {
    const watched = this.#watches.get(directory);
    if (watched === undefined) return;
    const nowMs = this.#options.now();
    if (nowMs - watched.sinceMs >= 1_000) {
      watched.events = 0;
      watched.sinceMs = nowMs;
    }
    watched.events++;
    const isUnneeded = watched.events === MOST_UNNEEDED_PER_SECOND + 1 && !this.#options.isNeeded(directory);
    if (isUnneeded || watched.events > MOST_EVENTS_PER_SECOND) {
      this.#poll(directory, "its files change often", TRY_AGAIN_MS.busy);
    }
    // An event of the directory itself bears its name.
    if (type === "rename" && name === basename(directory)) this.#stop(directory);
    this.#options.onChange(join(directory, name), type === "rename");
  }

  #refused(directory: string, error: unknown): void {
    const limit = LIMITS[systemCode(error) ?? ""];
    const why = limit ?? systemReason(error);
    // It is tried again every minute: what was told is no news then.
    const isNews = why !== this.#polled.get(directory)?.why;
    if (limit === undefined && isNews) this.#options.log.warn({ directory }, `${POLLED}: ${why}`);
    this.#poll(directory, why, TRY_AGAIN_MS.refused);
  }

  /** Once, until it is reached by none of them. */
  #tellLimit(): void {
    const reasons = Array.from(this.#polled.values(), ({ why }) => why);
    const limited = reasons.filter((why) => Object.values(LIMITS).includes(why));
    if (limited.length > 0 && !this.#isLimitTold) {
      this.#options.log.warn({ directories: limited.length }, `${POLLED}: ${limited[0]}`);
    }
    this.#isLimitTold = limited.length > 0;
  }

  #poll(directory: string, why: string, forMs: number): void {
    this.#stop(directory);
    this.#polled.set(directory, { why, untilMs: this.#options.now() + forMs });
  }

  #stop(directory: string): void {
    this.#watches.get(directory)?.watcher.close();
    this.#watches.delete(directory);
  }
}

/** @returns undefined where there is none @throws where it is closed to us, or its disk or server does not answer */
function inodeOf(directory: string): number | undefined {
  return statSync(directory, { throwIfNoEntry: false })?.ino;
}
