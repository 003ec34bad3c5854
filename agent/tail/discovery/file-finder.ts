import { basename, dirname, join } from "node:path";
import type { Logger } from "pino";
import { CopyFinder } from "../copies/copy-finder.ts";
import type { Refusal } from "../disk/file-access.ts";
import { type FileIdentity, identityKey } from "../disk/file-identity.ts";
import { FileLimit } from "./file-limit.ts";
import { type FileRule, ruleOf } from "../files/file-rule.ts";
import { isCopyOf } from "../fingerprint/fingerprint.ts";
import { FileSearch } from "./file-search.ts";
import type { FollowedFile } from "../files/followed-file.ts";
import { FollowedFiles } from "../files/followed-files.ts";
import { HEAD } from "../../framing/line-framer.ts";
import { MissingFiles } from "./missing-files.ts";
import { readStart } from "../files/read-start.ts";
import { statRotated } from "../disk/rotated-files.ts";
import { copiedNames, originalNames } from "../disk/rotated-name.ts";
import type { FileStat } from "../disk/file-stat.ts";
import { TailLog } from "../files/tail-log.ts";
import { type MemoryOptions, TailMemory } from "../files/tail-memory.ts";
import type { TailState } from "../files/tail-state.ts";
import { findUnknownArchives } from "./unknown-archives.ts";
import { vacatedPaths } from "./vacated-paths.ts";

export interface FinderOptions extends MemoryOptions {
  readonly log: Logger;
  /** Files that may be followed at once. */
  readonly maxFiles?: number | undefined;
}

/**
 * Finds the files that are to be followed, and those that are followed wherever they went.
 *
 * A file is followed by what it is, not by its name. Its name matters only to find it: one that has
 * left its place is looked for among the rotated names beside it, and so are files that came and
 * went there between two looks.
 */
export class FileFinder {
  readonly files = new FollowedFiles();
  readonly memory: TailMemory;
  readonly log: TailLog;
  readonly limit: FileLimit;
  readonly #now: () => number;
  readonly #rules: readonly FileRule[];
  readonly #search: FileSearch;
  readonly #copies: CopyFinder;
  readonly missing: MissingFiles;
  /** Earlier generations that an agent before this one may have left undelivered. */
  readonly #cutOffBefore: FollowedFile[];
  /** Paths whose rotated names are to be looked through at the next search. */
  readonly #unsure = new Set<string>();
  /** The last search found files that are not read, and will be when they grow. */
  #hasSetAside = false;
  /** The last search found files of which it cannot be told yet whether they are copies. */
  #hasPending = false;
  /** Since when no agent ran, until it is found out what came meanwhile. */
  #downSinceMs: number | undefined;

  constructor(options: FinderOptions, state: TailState) {
    this.#now = options.now;
    this.#downSinceMs = state.savedAtMs;
    this.log = new TailLog(options.log);
    this.limit = new FileLimit(options, () => this.files.count);
    this.memory = new TailMemory(options, this.files, state);
    this.#cutOffBefore = this.memory.restore(state.files);
    this.#rules = options.rules;
    this.#search = new FileSearch(options.rules, this.files, options.now);
    const named = new Set(options.rules.flatMap((rule) => rule.named));
    this.#copies = new CopyFinder({
      files: this.files,
      memory: this.memory,
      log: this.log,
      now: options.now,
      isNamed: (path) => named.has(path),
    });
    this.missing = new MissingFiles({
      files: this.files,
      memory: this.memory,
      log: this.log,
      copies: this.#copies,
      now: options.now,
      giveUp: (file, problem) => this.#giveUp(file, problem),
    });
    // What was rotated while no agent ran.
    for (const { source } of this.files.latest()) this.#unsure.add(source.path);
  }

  /** What is to be read is not all found yet. */
  get isSearching(): boolean {
    return this.#hasPending || this.missing.isBusy;
  }

  /** Where files are, and where the rules' files would appear. */
  directories(): Set<string> {
    const directories = new Set(this.#search.directories);
    for (const { location } of this.files.latest()) directories.add(dirname(location));
    return directories;
  }

  /** What the last search found and cannot be read by its name. */
  get misnamed(): Set<string> {
    return new Set(this.#rules.flatMap(({ misnamed }) => [...misnamed]));
  }

  /** Why files that match are not read, by path. */
  get left(): ReadonlyMap<string, Refusal> {
    return this.#search.left;
  }

  /** Searches for the files of every rule, where anything may have come. @returns whether it has */
  async scan(isForced: boolean): Promise<boolean> {
    const isDue = await this.#search.isDue();
    if (!isDue && !isForced && !this.#hasSetAside && this.#unsure.size === 0) return false;
    this.#hasSetAside = false;
    this.#hasPending = false;
    await this.#findCopies(this.#cutOffBefore.splice(0));
    const { copies } = this.memory;
    const isCopy = (file: FileIdentity): boolean => copies.find(file) !== undefined;
    const { fresh, waiting } = await this.#search.run(this.limit.room, isCopy);
    this.log.leaves(this.#search.left);
    this.#copies.startOver();
    const names = new Set(fresh.map(({ fileStat }) => fileStat.path));
    // A copy can be told only once its original is known.
    const originals = fresh.filter(({ fileStat }) => !isRotationOf(fileStat.path, names));
    const paths = new Set(this.#unsure);
    this.#unsure.clear();
    for (const { fileStat, rule } of [...originals, ...fresh]) {
      const predecessor = this.files.latestAt(fileStat.path);
      if ((await this.#discover(fileStat, rule)) && predecessor) paths.add(fileStat.path);
      if (!this.files.find(identityKey(fileStat.file))) this.#hasSetAside = true;
    }
    for (const path of await vacatedPaths(this.files)) paths.add(path);
    await this.#adoptRotated([...paths]);
    this.limit.found(waiting);
    this.log.misnamed(this.misnamed);
    this.memory.learnRules();
    this.memory.settle();
    await this.memory.lookAtParked();
    if (this.memory.copies.areMany) await this.#sweepCopies();
    return true;
  }

  /** A copy matters as long as it is found. */
  async #sweepCopies(): Promise<void> {
    const paths = new Set(Array.from(this.files.latest(), ({ source }) => source.path));
    const rotated = await statRotated([...paths]);
    const beside = [...rotated.values()].flat().map(({ file }) => file);
    this.memory.copies.keep([...this.#search.found(), ...beside]);
  }

  /** @returns whether it is followed from now on */
  async #discover(fileStat: FileStat, rule: FileRule): Promise<boolean> {
    if (rule.isTooOld(fileStat) || this.files.find(identityKey(fileStat.file))) return false;
    const match = await this.#copies.findOriginal(fileStat, true);
    this.#hasPending ||= match === "unclear";
    if (match !== "none") return false;
    // Only files that are older than the rule may be left out: a later one appeared while we watched.
    const isAtEnd = rule.startAt === "end" && !this.memory.knowsRule(rule);
    const start = isAtEnd ? await readStart(fileStat, rule.lineFeed) : HEAD;
    const { path } = fileStat;
    const before = this.files.latestAt(path);
    const file = this.memory.follow(fileStat, path, rule.readingOf(path), start);
    this.log.following(file);
    this.#search.followed(fileStat.file);
    // What an editor's save leaves, and `sed -i`; or a log that begins as the last one did.
    if (before && (await isCopyOf(before.known.fingerprint, fileStat))) this.log.repeats(file, before);
    return true;
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
    this.memory.settle();
    for (const file of moved) await this.#tellMoved(file);
    await this.missing.search();
    await this.#tellUnknownArchives();
    if (moved.length > 0) this.#search.bringForward();
    return next;
  }

  /** What a missing file goes on in is none of them. */
  async #tellUnknownArchives(): Promise<void> {
    if (this.#downSinceMs === undefined || this.missing.isBusy) return;
    const found = await findUnknownArchives(this.files, this.#downSinceMs);
    this.#downSinceMs = undefined;
    for (const { path, size } of found) this.log.unknownArchive(path, size);
  }

  #cutOff(file: FollowedFile): FollowedFile {
    const { source, reading } = file;
    const owner = this.#search.otherOwner(file.file, source.path) ?? { path: source.path, reading };
    const next = file.nextGeneration(owner.path, owner.reading, this.#now());
    this.files.cutOff(file, this.#now());
    this.files.add(next);
    this.memory.hasNews = true;
    this.log.truncated(file, next);
    return next;
  }

  async #findCopies(truncated: readonly FollowedFile[]): Promise<void> {
    const onNowhere = (file: FollowedFile): void => this.missing.add(file);
    for (const path of await this.#copies.ofTruncated(truncated, onNowhere)) this.#unsure.add(path);
  }

  async #tellMoved(file: FollowedFile): Promise<void> {
    if (file.isOpen || (await file.place.atPath())) return this.log.rotated(file);
    await file.place.close();
    file.phase = "lost";
    file.goneAtMs ??= this.#now();
    this.missing.add(file);
  }

  /** It is nowhere. */
  async #giveUp(file: FollowedFile, problem: string | undefined): Promise<void> {
    if (!file.isCutOff) {
      const why = problem === undefined ? "" : `, and ${problem}`;
      return this.lose(file, `the file is gone: what it held after byte ${file.read} is unknown${why}`);
    }
    this.log.abandoned(file, file.abandon(file.size), problem);
    this.memory.hasNews = true;
  }

  /** Call once the end of a source is reported. */
  forget(file: FollowedFile): void {
    const isCrowded = this.limit.waiting > 0;
    this.files.forget(file, this.memory.copies, this.#now(), isCrowded);
    if (isCrowded && this.limit.room > 0) this.#search.bringForward();
  }

  /** Gives it up, unless it is found again. */
  async lose(file: FollowedFile, why: string): Promise<void> {
    await file.place.close();
    file.phase = "lost";
    file.goneAtMs ??= this.#now();
    file.error = why;
    this.log.lost(file);
  }

  /**
   * Looks among the rotated names for where followed files went, and for files that were at these paths
   * after the first that was followed there, and rotated away before they were seen.
   */
  async #adoptRotated(paths: readonly string[]): Promise<void> {
    const rotated = await statRotated(paths);
    this.#copies.startOver();
    for (const [path, stats] of rotated) {
      const unknown: FileStat[] = [];
      for (const fileStat of stats) {
        const known = this.files.find(identityKey(fileStat.file));
        if (known) await this.#find(known, fileStat);
        else unknown.push(fileStat);
      }
      for (const fileStat of unknown) {
        const match = await this.#copies.findOriginal(fileStat, this.#search.has(fileStat.file));
        if (match === "unclear") this.#unsure.add(path);
        if (match !== "none" || !this.#isEarlier(fileStat, path)) continue;
        const { reading, tag } = this.files.latestAt(path)!;
        const rule = ruleOf(this.#rules, path, tag);
        if (rule && !(await this.#search.mayRead(fileStat, rule))) continue;
        this.log.following(this.memory.follow(fileStat, path, reading, HEAD));
      }
    }
  }

  /** Whether a file was at a path before. By a name that an entry takes, and that others give too, it is one of its own. */
  #isEarlier({ path, file }: FileStat, original: string): boolean {
    const isOwn = this.#search.takes(path) && !copiedNames(basename(path)).includes(basename(original));
    return !isOwn && this.files.isFollower(file, original);
  }

  /** A file that is followed has a rotated name, perhaps beside its own. */
  async #find(file: FollowedFile, fileStat: FileStat): Promise<void> {
    const wasActive = file.phase === "active";
    if (wasActive && (await file.place.atPath())) return;
    file.seen(fileStat, this.#now());
    if (wasActive) this.log.rotated(file);
  }
}

/** @param paths of which its name may be a rotation */
function isRotationOf(path: string, paths: ReadonlySet<string>): boolean {
  return originalNames(basename(path)).some((name) => paths.has(join(dirname(path), name)));
}
