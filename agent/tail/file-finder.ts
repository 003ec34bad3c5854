import { basename, dirname, join } from "node:path";
import type { Logger } from "pino";
import { Copies } from "./copies.ts";
import { identityKey } from "./file-identity.ts";
import type { FileRule } from "./file-rule.ts";
import { type FileRecord, newRecord } from "./file-record.ts";
import { FollowedFile, type Reading } from "./followed-file.ts";
import { FollowedFiles } from "./followed-files.ts";
import { findKin, mayBeKin } from "./kinship.ts";
import { HEAD, type Resume } from "./line-framer.ts";
import { readStart } from "./read-start.ts";
import { sightRotated } from "./rotated-files.ts";
import { isRotatedName, originalNames } from "./rotated-name.ts";
import { type Sighting, sight, sightAtOnce } from "./sighting.ts";
import { isLocal } from "./file-system.ts";
import type { FilePosition, TailState } from "./tail-state.ts";

/** A file that ended and is not found any more is remembered for a day, should it be moved back. */
const FORGET_AFTER_MS = 86_400_000;

/** Even where no directory has changed: a link may lead to another file. */
const SEARCH_EVERY_MS = 30_000;

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
  readonly #files = new FollowedFiles();
  /** Earlier generations that an agent before this one may have left undelivered. */
  readonly #cutOffBefore: FollowedFile[] = [];
  /** Positions of files whose tag is not configured at present. */
  readonly #parked = new Map<string, FilePosition>();
  readonly #copies: Copies;
  readonly #knownRules: Set<string>;
  readonly counts: TailCounts = { found: 0, rotated: 0, truncated: 0, lost: 0, abandonedBytes: 0 };
  /**
   * Found by a search that is not over. A state that knows of them and not of what else was rotated
   * meanwhile would have the next agent look no further.
   */
  readonly #unsettled = new Set<FollowedFile>();
  /** Paths whose rotated names are to be looked through at the next search. */
  readonly #unsure = new Set<string>();
  /** By identity: what the last search found. */
  #found = new Map<string, Found>();
  /** Something was found or learned that must be written down before it is acted upon. */
  hasNews = false;
  /** Of each rule, as they were at the last search. */
  #stamps: readonly (string | undefined)[] = [];
  #nextSearchMs = 0;
  /** The last search found files that are not read, and will be when they grow. */
  #hasSetAside = false;

  constructor(options: FinderOptions, state: TailState) {
    this.#options = options;
    this.#knownRules = new Set(state.rules);
    this.#copies = new Copies(state.copies);
    for (const position of state.files) this.#restore(position);
    // What was rotated while no agent ran.
    for (const { source } of this.current()) this.#unsure.add(source.path);
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
    const other = this.#files.find(key);
    const isLatest = other === undefined || other.generation <= file.generation;
    const earlier = isLatest ? other : file;
    if (isLatest) this.#files.add(file);
    if (earlier === undefined) return;
    earlier.isCutOff = true;
    earlier.phase = "ended";
    this.#files.addTruncated(earlier);
    this.#cutOffBefore.push(earlier);
  }

  #readingOf({ source, tag }: FileRecord): Reading | undefined {
    const rule = this.#options.rules.find((rule) => rule.readingOf(source.path).tag === tag);
    return rule?.readingOf(source.path);
  }

  /** Files that may have bytes to read. */
  current(): Iterable<FollowedFile> {
    return this.#files.latest();
  }

  /** Those that may grow. */
  *open(): Generator<FollowedFile> {
    for (const file of this.current()) if (file.phase !== "ended" && file.phase !== "lost") yield file;
  }

  /** Where files are, and where the rules' files would appear. */
  directories(): Set<string> {
    const directories = new Set(this.#options.rules.flatMap((rule) => rule.directories));
    for (const { location } of this.open()) directories.add(dirname(location));
    return directories;
  }

  /** Every source that is still of interest. */
  all(): Iterable<FollowedFile> {
    return this.#files.all();
  }

  get state(): TailState {
    const settled = Array.from(this.all()).filter((file) => !this.#unsettled.has(file));
    const files = settled.map(({ record, resume }) => ({ record, resume }));
    const rules = [...this.#knownRules];
    return { rules, files: [...files, ...this.#parked.values()], copies: this.#copies.all };
  }

  /** True when there was something since it was last asked. */
  takeNews(): boolean {
    const { hasNews } = this;
    this.hasNews = false;
    return hasNews;
  }

  /** Call once the end of a source is reported: unless its file is there, it needs no keeping. */
  forget(file: FollowedFile): void {
    const isKept = this.#options.now() - file.seenAtMs < FORGET_AFTER_MS;
    if (this.#files.isTruncated(file) || !isKept) this.#files.delete(file);
  }

  /**
   * Searches for the files of every rule, where anything may have come. A file belongs to the first rule
   * that finds it.
   */
  async scan(isForced: boolean): Promise<void> {
    const stamps = await Promise.all(this.#options.rules.map((rule) => rule.stamp()));
    const isSame = stamps.every((stamp, i) => stamp !== undefined && stamp === this.#stamps[i]);
    this.#stamps = stamps;
    const nowMs = this.#options.now();
    const mayHaveNews = !isSame || isForced || this.#hasSetAside || this.#unsure.size > 0;
    if (!mayHaveNews && nowMs < this.#nextSearchMs) return;
    this.#nextSearchMs = nowMs + SEARCH_EVERY_MS;
    this.#hasSetAside = false;
    await this.#findCopies(this.#cutOffBefore.splice(0));
    this.#found = await this.#search();
    const fresh: { readonly sighting: Sighting; readonly rule: FileRule }[] = [];
    for (const [key, { rule, sightings }] of this.#found) {
      const file = this.#files.find(key);
      const ownPath = sightings.find(({ path }) => path === file?.source.path);
      if (file) file.seen(ownPath ?? sightings[0]!, this.#options.now());
      else fresh.push({ sighting: sightings[0]!, rule });
      if (file?.phase === "ended") this.#hasSetAside = true;
    }
    const names = new Set(fresh.map(({ sighting }) => sighting.path));
    // A copy can be told only once its original is known.
    const originals = fresh.filter(({ sighting }) => !isRotationOf(sighting.path, names));
    const paths = new Set(this.#unsure);
    this.#unsure.clear();
    for (const { sighting, rule } of [...originals, ...fresh]) {
      const predecessor = this.#files.latestAt(sighting.path);
      if ((await this.#discover(sighting, rule)) && predecessor) paths.add(sighting.path);
      if (!this.#files.find(identityKey(sighting.file))) this.#hasSetAside = true;
    }
    await this.#adoptRotated([...paths]);
    for (const { key } of this.#options.rules) this.#knownRules.add(key);
    this.#unsettled.clear();
  }

  async #search(): Promise<Map<string, Found>> {
    const found = new Map<string, Found>();
    for (const rule of this.#options.rules) {
      for (const path of await rule.paths()) {
        const sighting = isLocal(dirname(path)) ? sightAtOnce(path) : await sight(path);
        if (sighting === undefined) continue;
        const key = identityKey(sighting.file);
        const entry = found.get(key);
        if (entry) entry.sightings.push(sighting);
        else found.set(key, { rule, sightings: [sighting] });
      }
    }
    return found;
  }

  /** @returns whether it is followed from now on */
  async #discover(sighting: Sighting, rule: FileRule): Promise<boolean> {
    if (rule.isTooOld(sighting, this.#options.now())) return false;
    if (this.#files.find(identityKey(sighting.file)) || (await this.#kinOf(sighting)) !== "none")
      return false;
    // Only files that are older than the rule may be left out: a later one appeared while we watched.
    const isNewRule = !this.#knownRules.has(rule.key);
    const start = isNewRule && rule.startAt === "end" ? await readStart(sighting) : HEAD;
    this.#follow(sighting, sighting.path, rule.readingOf(sighting.path), start);
    return true;
  }

  /**
   * Whether a file holds what another one held, so that it is no source of its own.
   *
   * @returns "gone" when it has another name by now
   */
  async #kinOf(found: Sighting, among?: readonly FollowedFile[]): Promise<"kin" | "none" | "gone"> {
    const candidates = among ?? [...mayBeKin(found, this.#files)];
    const known = this.#copies.find(found.file);
    const original = known && candidates.find(({ source }) => source.id === known.of);
    // Nothing is in it that is not delivered, or it has no other to tell.
    if (known && found.size <= (original ? Math.min(original.read, known.size) : known.size)) return "kin";
    const kin = await findKin(found, candidates);
    if (kin === "gone") return kin;
    if (kin === "none") {
      this.#copies.delete(found.file);
      return kin;
    }
    this.hasNews = true;
    if (kin.relation === "copy") this.#copies.add(found, kin.original);
    else await this.#rehome(kin.original, found);
    return "kin";
  }

  /** Of what was found beside it, all that is its own was in it by now. */
  async #learnName(file: FollowedFile): Promise<void> {
    if (file.isNamed || file.isCutOff) return;
    const wasOpen = file.isOpen;
    if ((await file.verify(this.#options.now())) === "learned") this.hasNews = true;
    if (!wasOpen && file.phase === "active") await file.close();
  }

  async #rehome(file: FollowedFile, found: Sighting): Promise<void> {
    this.#files.delete(file);
    this.#copies.delete(found.file);
    await file.rehome(found, this.#options.now());
    this.#files.add(file);
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
    this.#files.add(file);
    this.#unsettled.add(file);
    this.hasNews = true;
    const { location, tag, read } = file;
    log.info({ source: file.source.id, path, location, tag, offset: read }, "following");
    this.counts.found++;
  }

  /**
   * Another file, or none, is where each of these was; or what was read of one is not there any more, and
   * its bytes as they are now are another source.
   *
   * @returns the sources that follow the truncated ones
   */
  async settle(
    moved: readonly FollowedFile[],
    truncated: readonly FollowedFile[],
  ): Promise<readonly FollowedFile[]> {
    const next = truncated.map((file) => this.#cutOff(file));
    await this.#findCopies(truncated);
    await this.#adoptRotated(moved.map(({ source }) => source.path));
    this.#unsettled.clear();
    for (const file of moved) await this.#tellMoved(file);
    if (moved.length > 0) this.#nextSearchMs = 0;
    return next;
  }

  async #tellMoved(file: FollowedFile): Promise<void> {
    const { source } = file;
    if (file.isOpen || (await file.isThere())) {
      this.#tellRotated(file);
    } else {
      file.phase = "lost";
      this.counts.lost++;
      file.error = `the file is gone: what it held after byte ${file.read} is unknown`;
      this.#options.log.error({ source: source.id, path: source.path, offset: file.read }, file.error);
    }
  }

  #tellRotated({ source, location }: FollowedFile): void {
    this.counts.rotated++;
    this.#options.log.info({ source: source.id, path: source.path, location }, "rotated");
  }

  /**
   * Looks among the rotated names for where followed files went, and for files that were at these paths
   * after the first that was followed there, and rotated away before they were seen.
   */
  async #adoptRotated(paths: readonly string[]): Promise<void> {
    const rotated = await sightRotated(paths);
    for (const [path, sightings] of rotated) {
      const unknown: Sighting[] = [];
      for (const sighting of sightings) {
        const known = this.#files.find(identityKey(sighting.file));
        if (known === undefined) unknown.push(sighting);
        else if (known.phase !== "active") known.seen(sighting, this.#options.now());
        else if (!(await known.isThere())) {
          known.seen(sighting, this.#options.now());
          this.#tellRotated(known);
        }
      }
      const { reading } = this.#files.latestAt(path)!;
      for (const sighting of unknown) {
        for (const candidate of mayBeKin(sighting, this.#files)) await this.#learnName(candidate);
        const kin = await this.#kinOf(sighting);
        const isOwn = kin === "none" && this.#files.isFollower(sighting.file, path);
        if (isOwn) this.#follow(sighting, path, reading, HEAD);
        if (kin === "gone") this.#unsure.add(path);
      }
    }
  }

  #cutOff(file: FollowedFile): FollowedFile {
    const { log, now } = this.#options;
    const { path, reading } = this.#ownerOf(file);
    const next = file.nextGeneration(path, reading, now());
    file.phase = "ended";
    file.isCutOff = true;
    this.#files.addTruncated(file);
    this.#files.add(next);
    this.hasNews = true;
    this.counts.truncated++;
    log.info({ source: file.source.id, path: file.source.path, next: next.source.id }, "truncated");
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
  async #findCopies(truncated: readonly FollowedFile[]): Promise<void> {
    if (truncated.length === 0) return;
    const rotated = await sightRotated(truncated.map(({ source }) => source.path));
    for (const file of truncated) {
      for (const sighting of rotated.get(file.source.path)!) {
        if (this.#files.find(identityKey(sighting.file))) continue;
        if ((await this.#kinOf(sighting, [file])) === "gone") this.#unsure.add(file.source.path);
      }
      this.#tellAbandoned(file);
    }
  }

  #tellAbandoned(file: FollowedFile): void {
    const lost = file.size - file.read;
    if (lost <= 0 || !this.#files.isTruncated(file)) return;
    this.counts.abandonedBytes += lost;
    const { source } = file;
    this.#options.log.error({ source: source.id, path: source.path, lost }, "truncated before all was read");
  }
}

/** @param paths of which its name may be a rotation */
function isRotationOf(path: string, paths: ReadonlySet<string>): boolean {
  return originalNames(basename(path)).some((name) => paths.has(join(dirname(path), name)));
}
