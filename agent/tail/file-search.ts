import { basename, dirname } from "node:path";
import { type FileIdentity, identityKey } from "./file-identity.ts";
import type { FileRule } from "./file-rule.ts";
import { isLocal } from "./file-system.ts";
import type { FollowedFiles } from "./followed-files.ts";
import type { Reading } from "./reading.ts";
import { isRotatedName } from "./rotated-name.ts";
import { type Sighting, sight, sightAtOnce } from "./sighting.ts";

/** Even where no directory has changed: a link may lead to another file. */
const SEARCH_EVERY_MS = 30_000;

/** A file that is not followed, with the entry it belongs to. */
export interface Fresh {
  readonly rule: FileRule;
  readonly sighting: Sighting;
}

/** A file that is not where it is followed from, by all its names. */
interface Elsewhere {
  readonly rule: FileRule;
  readonly sightings: Sighting[];
}

/** Searches for the files of every rule, when any may have come. */
export class FileSearch {
  readonly #rules: readonly FileRule[];
  readonly #files: Pick<FollowedFiles, "find">;
  readonly #now: () => number;
  /** By identity: what the last search found, but for files at the paths they are followed from, which are many. */
  #elsewhere = new Map<string, Elsewhere>();
  /** Of each rule, as they were at the last search. */
  #stamps: readonly (string | undefined)[] = [];
  #nextMs = 0;

  constructor(rules: readonly FileRule[], files: Pick<FollowedFiles, "find">, now: () => number) {
    this.#rules = rules;
    this.#files = files;
    this.#now = now;
  }

  /** What the last search found elsewhere than where it is followed from. */
  *found(): Generator<FileIdentity> {
    for (const { sightings } of this.#elsewhere.values()) yield sightings[0]!.file;
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

  /** Tells followed files where they are now. @returns the others; each belongs to the first rule that finds it */
  async run(): Promise<Fresh[]> {
    this.#nextMs = this.#now() + SEARCH_EVERY_MS;
    const elsewhere = new Map<string, Elsewhere>();
    const atHome = new Set<string>();
    for (const rule of this.#rules) {
      for (const path of await rule.paths()) {
        const sighting = isLocal(dirname(path)) ? sightAtOnce(path) : await sight(path);
        if (sighting === undefined) continue;
        const key = identityKey(sighting.file);
        const file = this.#files.find(key);
        if (file?.source.path === path) {
          file.seen(sighting, this.#now());
          atHome.add(key);
          elsewhere.delete(key);
        } else if (!atHome.has(key)) {
          const entry = elsewhere.get(key);
          if (entry) entry.sightings.push(sighting);
          else elsewhere.set(key, { rule, sightings: [sighting] });
        }
      }
    }
    this.#elsewhere = elsewhere;
    return this.#fresh();
  }

  #fresh(): Fresh[] {
    const fresh: Fresh[] = [];
    for (const [key, { rule, sightings }] of this.#elsewhere) {
      const file = this.#files.find(key);
      if (file) file.seen(sightings[0]!, this.#now());
      else fresh.push({ rule, sighting: sightings[0]! });
    }
    return fresh;
  }

  /**
   * Where a file is found that is not by this path, nor by a name that rotation made of it: there its
   * inode belongs to another file by now.
   */
  otherOwner(file: FileIdentity, path: string): { path: string; reading: Reading } | undefined {
    const found = this.#elsewhere.get(identityKey(file));
    const isOwn = (here: Sighting): boolean =>
      here.path === path || isRotatedName(basename(here.path), basename(path));
    if (found === undefined || found.sightings.some(isOwn)) return undefined;
    const { path: other } = found.sightings[0]!;
    return { path: other, reading: found.rule.readingOf(other) };
  }
}
