import type { FileIdentity } from "../disk/file-identity.ts";
import type { FileRule } from "../files/file-rule.ts";
import type { FileStat } from "../disk/file-stat.ts";

/** So many more than are asked for are held until the oldest of them are sorted out. */
const HELD_BEYOND = 1_000;

/** A file that is not where it is followed from, by all its names. */
export interface Elsewhere {
  readonly rule: FileRule;
  readonly stats: [FileStat, ...FileStat[]];
}

/** Holds those of the files that were changed last, as many as there is room for. */
export class SearchQueue {
  readonly #most: number;
  readonly #held: Map<string, Elsewhere>;
  readonly #needsNoRoom: (file: FileIdentity) => boolean;
  #holdsAtMost: number;
  /** Whatever was changed before it has no room. */
  #sinceMs = -Infinity;
  /** Files that are to be followed and have no room. */
  waiting = 0;

  constructor(most: number, held: Map<string, Elsewhere>, needsNoRoom: (file: FileIdentity) => boolean) {
    this.#most = most;
    this.#held = held;
    this.#needsNoRoom = needsNoRoom;
    this.#holdsAtMost = most + HELD_BEYOND;
  }

  add(key: string, rule: FileRule, fileStat: FileStat): void {
    const found = this.#held.get(key);
    if (found === undefined) {
      if (changedMs(fileStat) < this.#sinceMs && !this.#needsNoRoom(fileStat.file))
        this.#leave(rule, fileStat);
      else this.#held.set(key, { rule, stats: [fileStat] });
      if (this.#held.size > this.#holdsAtMost) this.sortOut();
    } else if (found.rule === rule && fileStat.path < found.stats[0].path) {
      found.stats.unshift(fileStat);
    } else if (found.stats.every(({ path }) => path !== fileStat.path)) {
      found.stats.push(fileStat);
    }
  }

  /** Leaves those that have no room. */
  sortOut(): void {
    if (this.#held.size <= this.#most) return;
    const strangers = Array.from(this.#held, ([key, { rule, stats }]) => ({
      key,
      rule,
      first: stats[0],
    }))
      .filter(({ first }) => !this.#needsNoRoom(first.file))
      .sort((a, b) => changedMs(b.first) - changedMs(a.first));
    for (const { key, rule, first } of strangers.slice(this.#most)) {
      this.#held.delete(key);
      this.#leave(rule, first);
      this.#sinceMs = Math.max(this.#sinceMs, changedMs(first));
    }
    this.#holdsAtMost = this.#held.size + HELD_BEYOND;
  }

  #leave(rule: FileRule, fileStat: FileStat): void {
    if (!rule.isTooOld(fileStat)) this.waiting++;
  }
}

function changedMs({ mtimeNs }: FileStat): number {
  return Number(mtimeNs) / 1e6;
}
