import { basename } from "node:path";
import type { Logger } from "pino";
import { Copies, findKin } from "./copies.ts";
import { identityKey, isBornAfter } from "./file-identity.ts";
import type { FileRule } from "./file-rule.ts";
import { type FileRecord, newRecord } from "./file-record.ts";
import { FollowedFile, type Reading } from "./followed-file.ts";
import { HEAD, type Resume } from "./line-framer.ts";
import { readStart } from "./read-start.ts";
import { isRotatedName } from "./rotated-name.ts";
import { type Sighting, sight, sightRotated } from "./sighting.ts";
import type { FilePosition, TailState } from "./tail-state.ts";

/** A file that ended and is not found any more is remembered for a day, should it be moved back. */
const FORGET_AFTER_MS = 86_400_000;

export interface FinderOptions {
  readonly host: string;
  readonly rules: readonly FileRule[];
  readonly log: Logger;
  readonly now: () => number;
}

/** What became of files since the start. */
export interface TailCounts {
  found: number;
  rotated: number;
  truncated: number;
  lost: number;
  /** Truncated before they were read. */
  abandonedBytes: number;
}

/** A file as a search found it, with the entry it belongs to. */
interface Found {
  readonly rule: FileRule;
  readonly sightings: Sighting[];
}

/**
 * Knows every file that is followed, and finds new ones.
 *
 * A file is followed by what it is, not by its name. Its name matters only to find it: one that has
 * left its place is looked for among the rotated names beside it, and so are files that came and
 * went there between two looks.
 */
export class FileFinder {
  readonly #options: FinderOptions;
  /** By identity: the latest generation of each file. */
  readonly #files = new Map<string, FollowedFile>();
  /** Earlier generations of truncated files, until they are reported. */
  readonly #truncated = new Set<FollowedFile>();
  /** Those that an agent before this one may have left undelivered. */
  readonly #cutOffBefore: FollowedFile[] = [];
  /** Positions of files whose tag is not configured at present. */
  readonly #parked = new Map<string, FilePosition>();
  readonly #copies: Copies;
  readonly #knownRules: Set<string>;
  readonly counts: TailCounts = { found: 0, rotated: 0, truncated: 0, lost: 0, abandonedBytes: 0 };
  /** By identity: what the last search found. */
  #found = new Map<string, Found>();
  #hasNews = false;

  constructor(options: FinderOptions, state: TailState) {
    this.#options = options;
    this.#knownRules = new Set(state.rules);
    this.#copies = new Copies(state.copies);
    for (const position of state.files) this.#restore(position);
  }

  #restore(position: FilePosition): void {
    const { record, resume } = position;
    const key = identityKey(record.file);
    const reading = this.#readingOf(record);
    if (reading === undefined) {
      this.#parked.set(key, position);
      return;
    }
    const file = new FollowedFile(record, resume, reading, this.#options.now());
    const other = this.#files.get(key);
    const latest = other && other.generation > file.generation ? other : file;
    this.#files.set(key, latest);
    const earlier = latest === file ? other : file;
    if (earlier === undefined) return;
    earlier.isCutOff = true;
    this.#truncated.add(earlier);
    this.#cutOffBefore.push(earlier);
  }

  #readingOf({ source, tag }: FileRecord): Reading | undefined {
    const rule = this.#options.rules.find((rule) => rule.readingOf(source.path).tag === tag);
    return rule?.readingOf(source.path);
  }

  /** Files that may have bytes to read. */
  current(): Iterable<FollowedFile> {
    return this.#files.values();
  }

  /** Every source that is still of interest. */
  *all(): Generator<FollowedFile> {
    yield* this.#truncated;
    yield* this.#files.values();
  }

  get state(): TailState {
    const files = Array.from(this.all(), ({ record, resume }) => ({ record, resume }));
    const rules = [...this.#knownRules];
    return { rules, files: [...files, ...this.#parked.values()], copies: this.#copies.all };
  }

  /** True when sources were found since it was last asked. */
  takeNews(): boolean {
    const hasNews = this.#hasNews;
    this.#hasNews = false;
    return hasNews;
  }

  /** Call once the end of a source is reported: unless its file is there, it needs no keeping. */
  forget(file: FollowedFile): void {
    this.#truncated.delete(file);
    if (this.#options.now() - file.seenAtMs < FORGET_AFTER_MS) return;
    const key = identityKey(file.file);
    if (this.#files.get(key) === file) this.#files.delete(key);
  }

  /** Searches for the files of every rule. A file belongs to the first rule that finds it. */
  async scan(): Promise<void> {
    for (const file of this.#cutOffBefore.splice(0)) await this.#findCopy(file);
    this.#found = await this.#search();
    for (const [key, { rule, sightings }] of this.#found) {
      const file = this.#files.get(key);
      const ownPath = sightings.find(({ path }) => path === file?.source.path);
      if (file) file.seen(ownPath ?? sightings[0]!, this.#options.now());
      else await this.#discover(sightings[0]!, rule);
    }
    for (const { key } of this.#options.rules) this.#knownRules.add(key);
  }

  async #search(): Promise<Map<string, Found>> {
    const found = new Map<string, Found>();
    for (const rule of this.#options.rules) {
      for (const path of await rule.paths()) {
        const sighting = await sight(path);
        if (sighting === undefined) continue;
        const key = identityKey(sighting.file);
        const entry = found.get(key);
        if (entry) entry.sightings.push(sighting);
        else found.set(key, { rule, sightings: [sighting] });
      }
    }
    return found;
  }

  async #discover(sighting: Sighting, rule: FileRule): Promise<void> {
    if (rule.isTooOld(sighting, this.#options.now())) return;
    const predecessor = this.#latestAt(sighting.path);
    if (predecessor) await this.#adoptRotated(predecessor);
    if (this.#files.has(identityKey(sighting.file)) || (await this.#isKin(sighting, this.all()))) return;
    // Only files that are older than the rule may be left out: a later one appeared while we watched.
    const isNewRule = !this.#knownRules.has(rule.key);
    const start = isNewRule && rule.startAt === "end" ? await readStart(sighting) : HEAD;
    this.#follow(sighting, sighting.path, rule.readingOf(sighting.path), start);
  }

  #latestAt(path: string): FollowedFile | undefined {
    let latest: FollowedFile | undefined;
    for (const file of this.#files.values()) {
      if (file.source.path === path && !(latest && isBornAfter(latest.file, file.file))) latest = file;
    }
    return latest;
  }

  /** @returns true when a file holds what another one held, so that it is no source of its own */
  async #isKin(found: Sighting, among: Iterable<FollowedFile>): Promise<boolean> {
    const files = [...among];
    const known = this.#copies.find(found.file);
    const original = known && files.find(({ source }) => source.id === known.of);
    // Nothing is in it that is not delivered, or it has no other to tell.
    if (known && found.size <= (original?.read ?? known.size)) return true;
    const kin = await findKin(found, files);
    if (kin === undefined) {
      this.#copies.delete(found.file);
      return false;
    }
    if (kin.relation === "copy") this.#copies.add(found, kin.original);
    else await this.#rehome(kin.original, found);
    return true;
  }

  async #rehome(file: FollowedFile, found: Sighting): Promise<void> {
    const key = identityKey(file.file);
    if (this.#files.get(key) === file) this.#files.delete(key);
    this.#truncated.delete(file);
    this.#copies.delete(found.file);
    await file.rehome(found, this.#options.now());
    this.#files.set(identityKey(found.file), file);
    this.#hasNews = true;
    const { source, location, read } = file;
    this.#options.log.info(
      { source: source.id, path: source.path, location, offset: read },
      "goes on in a copy",
    );
  }

  /** @param path at which it was, or would have been, seen first */
  #follow(sighting: Sighting, path: string, reading: Reading, start: Resume): void {
    const { host, now, log } = this.#options;
    const key = identityKey(sighting.file);
    const parked = this.#parked.get(key);
    this.#parked.delete(key);
    const fresh = { record: newRecord(sighting, path, host, reading.tag, 0, now()), resume: start };
    const { record, resume } = parked ?? fresh;
    const file = new FollowedFile({ ...record, tag: reading.tag }, resume, reading, now());
    file.seen(sighting, now());
    this.#files.set(key, file);
    this.#hasNews = true;
    const { location, tag, read } = file;
    log.info({ source: file.source.id, path, location, tag, offset: read }, "following");
    this.counts.found++;
  }

  /** Another file, or none, is where this one was. */
  async moved(file: FollowedFile): Promise<void> {
    const { log } = this.#options;
    await this.#adoptRotated(file);
    const { source } = file;
    if (file.isOpen || (await file.isThere())) {
      this.#tellRotated(file);
    } else {
      file.phase = "lost";
      this.counts.lost++;
      file.error = `the file is gone: what it held after byte ${file.read} is unknown`;
      log.error({ source: source.id, path: source.path, offset: file.read }, file.error);
    }
  }

  #tellRotated({ source, location }: FollowedFile): void {
    this.counts.rotated++;
    this.#options.log.info({ source: source.id, path: source.path, location }, "rotated");
  }

  /**
   * Looks among the rotated names for where followed files went, and for files that were born after
   * `file` at its path and rotated away before they were seen there.
   */
  async #adoptRotated(file: FollowedFile): Promise<void> {
    const { file: elder, reading } = file;
    const { path } = file.source;
    const unknown: Sighting[] = [];
    for (const sighting of await sightRotated(path)) {
      const known = this.#files.get(identityKey(sighting.file));
      if (known === undefined) unknown.push(sighting);
      else if (known.phase !== "active") known.seen(sighting, this.#options.now());
      else if (!(await known.isThere())) {
        known.seen(sighting, this.#options.now());
        this.#tellRotated(known);
      }
    }
    for (const sighting of unknown) {
      if ((await this.#isKin(sighting, this.all())) || !isBornAfter(sighting.file, elder)) continue;
      this.#follow(sighting, path, reading, HEAD);
    }
  }

  /** What was read of the file is not there any more. @returns its bytes as they are now: another source */
  async truncated(file: FollowedFile): Promise<FollowedFile> {
    const { log, now } = this.#options;
    const { path, reading } = this.#ownerOf(file);
    const next = file.nextGeneration(path, reading, now());
    file.phase = "ended";
    file.isCutOff = true;
    this.#truncated.add(file);
    this.#files.set(identityKey(file.file), next);
    this.#hasNews = true;
    this.counts.truncated++;
    log.info({ source: file.source.id, path: file.source.path, next: next.source.id }, "truncated");
    await this.#findCopy(file);
    return next;
  }

  /** An inode that was given to a file of another name belongs to that name's entry. */
  #ownerOf(file: FollowedFile): { path: string; reading: Reading } {
    const { path } = file.source;
    const found = this.#found.get(identityKey(file.file));
    const isOwn = (here: Sighting): boolean =>
      here.path === path || isRotatedName(basename(here.path), basename(path));
    if (found === undefined || found.sightings.some(isOwn)) return { path, reading: file.reading };
    const [{ path: other }] = found.sightings as [Sighting];
    return { path: other, reading: found.rule.readingOf(other) };
  }

  /** What copytruncate copied before it truncated goes on in the copy, if there is one. */
  async #findCopy(file: FollowedFile): Promise<void> {
    for (const sighting of await sightRotated(file.source.path)) {
      if (!this.#files.has(identityKey(sighting.file))) await this.#isKin(sighting, [file]);
    }
    const lost = file.size - file.read;
    if (lost <= 0 || !this.#truncated.has(file)) return;
    this.counts.abandonedBytes += lost;
    const { source } = file;
    this.#options.log.error({ source: source.id, path: source.path, lost }, "truncated before all was read");
  }
}
