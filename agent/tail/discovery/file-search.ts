import { basename, dirname } from "node:path";
import type { Refusal } from "../disk/file-access.ts";
import { type FileIdentity, identityKey } from "../disk/file-identity.ts";
import type { FileRule } from "../files/file-rule.ts";
import { isLocal } from "../disk/file-system.ts";
import type { FollowedFile } from "../files/followed-file.ts";
import type { FollowedFiles } from "../files/followed-files.ts";
import { LeftFiles } from "./left-files.ts";
import type { Reading } from "../files/reading.ts";
import { isRotatedName } from "../disk/rotated-name.ts";
import { type Elsewhere, SearchQueue } from "./search-queue.ts";
import { type FileStat, statFile, statFileSync } from "../disk/file-stat.ts";

/** Even where no directory has changed: a link may lead to another file. */
const SEARCH_EVERY_MS = 30_000;

/** A file that is not followed, with the entry it belongs to. */
export interface Fresh {
  readonly rule: FileRule;
  readonly fileStat: FileStat;
}

/** What a search found and nobody follows. */
export interface SearchResult {
  /** No more than were asked for, those that were changed last, in the order of their paths. */
  readonly fresh: Fresh[];
  /** Others that are to be followed. */
  readonly waiting: number;
}

/** Searches for the files of every rule, when any may have come. */
export class FileSearch {
  readonly #rules: readonly FileRule[];
  readonly #files: Pick<FollowedFiles, "find">;
  readonly #now: () => number;
  /** What the last search found, by identity, except the many files at the paths they are followed from. */
  #elsewhere = new Map<string, Elsewhere>();
  readonly #left: LeftFiles;
  /** Of each rule, as they were at the last search. */
  #stamps: readonly (string | undefined)[] = [];
  #nextMs = 0;

  constructor(rules: readonly FileRule[], files: Pick<FollowedFiles, "find">, now: () => number) {
    this.#rules = rules;
    this.#left = new LeftFiles(rules);
    this.#files = files;
    this.#now = now;
  }

  /** What the last search found elsewhere than where it is followed from. */
  *found(): Generator<FileIdentity> {
    for (const { stats } of this.#elsewhere.values()) yield stats[0].file;
  }

  /** Call when a file that it found is followed from where it was found. */
  followed(file: FileIdentity): void {
    this.#elsewhere.delete(identityKey(file));
  }

  /** Whether the last search found it. */
  has(file: FileIdentity): boolean {
    return this.#elsewhere.has(identityKey(file));
  }

  /** Whether any rule would. */
  takes(path: string): boolean {
    return this.#rules.some((rule) => rule.takes(path));
  }

  /** Where the rules' files would appear. */
  get directories(): string[] {
    return this.#rules.flatMap((rule) => rule.directories);
  }

  /** Has the next search look, whatever the directories' times say. */
  bringForward(): void {
    this.#nextMs = 0;
  }

  /** False when nothing can have come since the last search. */
  async isDue(): Promise<boolean> {
    const stamps = await Promise.all(this.#rules.map((rule) => rule.stamp()));
    const isSame = stamps.every((stamp, i) => stamp !== undefined && stamp === this.#stamps[i]);
    this.#stamps = stamps;
    return !isSame || this.#now() >= this.#nextMs;
  }

  /**
   * Tells followed files where they are now, and finds others; each belongs to the first rule that finds it.
   *
   * @param most that are to be found, besides those that are known for copies
   */
  async run(most: number, isCopy: (file: FileIdentity) => boolean): Promise<SearchResult> {
    this.#nextMs = this.#now() + SEARCH_EVERY_MS;
    this.#elsewhere = new Map();
    await this.#left.begin();
    const left = new Map<string, Elsewhere>();
    // They take no room from others: there may be links without number.
    const leftBefore = new SearchQueue(Infinity, left, () => true);
    const queue = new SearchQueue(most, this.#elsewhere, (file) => this.#isFollowed(file) || isCopy(file));
    const atHome = new Set<FollowedFile>();
    for (const rule of this.#rules) {
      for await (const path of rule.matches()) {
        const fileStat = isLocal(dirname(path)) ? statFileSync(path) : await statFile(path);
        if (fileStat === undefined) continue;
        const key = identityKey(fileStat.file);
        const file = this.#files.find(key);
        if (file?.source.path === path) {
          file.seen(fileStat, this.#now());
          atHome.add(file);
          this.#elsewhere.delete(key);
        } else if (!(file && atHome.has(file)))
          (this.#left.has(key) ? leftBefore : queue).add(key, rule, fileStat);
      }
    }
    for (const [key, { rule, stats }] of left) {
      if (await this.#left.ruleFor(stats)) for (const one of stats) queue.add(key, rule, one);
    }
    queue.sortOut();
    const { waiting } = queue;
    return { fresh: await this.#fresh(waiting > 0), waiting };
  }

  #isFollowed(file: FileIdentity): boolean {
    return this.#files.find(identityKey(file)) !== undefined;
  }

  /** @param isCrowded what is left here may have kept others waiting */
  async #fresh(isCrowded: boolean): Promise<Fresh[]> {
    const fresh: Fresh[] = [];
    for (const [key, { stats }] of this.#elsewhere) {
      const file = this.#files.find(key);
      if (file) {
        file.seen(stats[0], this.#now());
        continue;
      }
      const rule = await this.#left.ruleFor(stats);
      if (rule) fresh.push({ rule, fileStat: stats[0] });
      else {
        this.#elsewhere.delete(key);
        if (isCrowded) this.bringForward();
      }
    }
    this.#left.end();
    if (this.#left.hasChanged) this.bringForward();
    return fresh.sort((a, b) => (a.fileStat.path < b.fileStat.path ? -1 : 1));
  }

  /** Why files that the last search found are not read, by path. */
  get left(): ReadonlyMap<string, Refusal> {
    return this.#left.refusals;
  }

  /** @param fileStat of what rotation made of a file of this rule */
  mayRead(fileStat: FileStat, rule: FileRule): Promise<boolean> {
    return this.#left.mayRead(fileStat, rule);
  }

  /**
   * Where a file is found that is not by this path, nor by a name that rotation made of it: there its
   * inode belongs to another file by now.
   */
  otherOwner(file: FileIdentity, path: string): { path: string; reading: Reading } | undefined {
    const found = this.#elsewhere.get(identityKey(file));
    const isOwn = (here: FileStat): boolean =>
      here.path === path || isRotatedName(basename(here.path), basename(path));
    if (found === undefined || found.stats.some(isOwn)) return undefined;
    const { path: other } = found.stats[0];
    return { path: other, reading: found.rule.readingOf(other) };
  }
}
