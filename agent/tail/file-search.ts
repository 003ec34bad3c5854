import { basename, dirname } from "node:path";
import { type FileIdentity, identityKey } from "./file-identity.ts";
import type { FileRule } from "./file-rule.ts";
import { isLocal } from "./file-system.ts";
import type { Reading } from "./reading.ts";
import { isRotatedName } from "./rotated-name.ts";
import { type Sighting, sight, sightAtOnce } from "./sighting.ts";

/** Even where no directory has changed: a link may lead to another file. */
const SEARCH_EVERY_MS = 30_000;

/** A file as a search found it, with the entry it belongs to. */
export interface Found {
  readonly rule: FileRule;
  readonly sightings: readonly [Sighting, ...Sighting[]];
}

/** Searches for the files of every rule, when any may have come. */
export class FileSearch {
  readonly #rules: readonly FileRule[];
  readonly #now: () => number;
  /** By identity: what the last search found. */
  #found: ReadonlyMap<string, Found> = new Map<string, Found>();
  /** Of each rule, as they were at the last search. */
  #stamps: readonly (string | undefined)[] = [];
  #nextMs = 0;

  constructor(rules: readonly FileRule[], now: () => number) {
    this.#rules = rules;
    this.#now = now;
  }

  /** What the last search found, of whatever names. */
  *found(): Generator<FileIdentity> {
    for (const { sightings } of this.#found.values()) yield sightings[0].file;
  }

  /** Whether the last search found it. */
  has(file: FileIdentity): boolean {
    return this.#found.has(identityKey(file));
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

  /** @returns the files by identity; each belongs to the first rule that finds it */
  async run(): Promise<ReadonlyMap<string, Found>> {
    this.#nextMs = this.#now() + SEARCH_EVERY_MS;
    const found = new Map<string, { rule: FileRule; sightings: [Sighting, ...Sighting[]] }>();
    for (const rule of this.#rules) {
      for (const path of await rule.paths()) {
        const sighting = isLocal(dirname(path)) ? sightAtOnce(path) : await sight(path);
        if (sighting === undefined) continue;
        const key = identityKey(sighting.file);
        const entry = found.get(key);
        if (entry) entry.sightings.push(sighting);
        else found.set(key, { rule, sightings: [sighting] });
      }
    }
    this.#found = found;
    return found;
  }

  /**
   * Where a file is found that is not by this path, nor by a name that rotation made of it: there its
   * inode belongs to another file by now.
   */
  otherOwner(file: FileIdentity, path: string): { path: string; reading: Reading } | undefined {
    const found = this.#found.get(identityKey(file));
    const isOwn = (here: Sighting): boolean =>
      here.path === path || isRotatedName(basename(here.path), basename(path));
    if (found === undefined || found.sightings.some(isOwn)) return undefined;
    const [{ path: other }] = found.sightings;
    return { path: other, reading: found.rule.readingOf(other) };
  }
}
