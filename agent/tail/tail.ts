import type { Block } from "../framing/block.ts";
import type { Refusal } from "./disk/file-access.ts";
import { FileFinder, type FinderOptions } from "./discovery/file-finder.ts";
import type { Finding, FollowedFile } from "./files/followed-file.ts";
import { LookSchedule } from "./discovery/look-schedule.ts";
import { OpenFileLimit } from "./discovery/open-file-limit.ts";
import { type TailCounts, whose } from "./files/tail-log.ts";
import { toTick } from "../steady-clock.ts";
import type { TailState } from "./files/tail-state.ts";
import { breakHere, fill, ReadBuffer, type Verification, verify } from "./files/verified-read.ts";

/** Room for the longest line there can be, and for thousands of usual ones in one read. */
const READ_BYTES = 2 ** 20;

/** A deleted file that cannot be read for as long is let go: what it holds fills the disk. */
const UNREADABLE_FOR_MS = 3_600_000;

/** After it there is something to read again of files with a limit. */
const LIMITED_PAUSE_MS = 100;

/** Between two looks at what may become a copy. */
const PENDING_PAUSE_MS = 250;

export interface TailOptions extends FinderOptions {
  readonly pollMs: number;
  readonly idlePollMs: number;
  /** 0: no directory is watched. */
  readonly watchedPollMs: number;
  readonly scanMs: number;
  readonly rotatedIdleMs: number;
  /** 0: never. */
  readonly partialLineMs: number;
  readonly maxOpenFiles: number;
  /**
   * Called when sources were found, and when something was learned of one, before any byte is sent that it
   * concerns. A source that is forgotten in a crash could not be found again if it were rotated before the
   * next start, nor told from other bytes that have taken its place.
   */
  readonly remember: (state: TailState) => Promise<void>;
}

/** Reads the files of all rules as they grow, through renames, truncation and deletion. */
export class Tail {
  readonly #options: TailOptions;
  readonly #finder: FileFinder;
  readonly #buffer = new ReadBuffer(READ_BYTES);
  readonly #schedule: LookSchedule;
  readonly #openFiles: OpenFileLimit;
  #nextScanMs = 0;
  #nextLookMs = 0;
  /** There is more to read, of files that have been read as fast as they may be. */
  #isLimited = false;
  /** Nothing is to be done with any file, however much time passes. */
  #isAtRest = false;
  /** Grows with whatever may have changed a file. */
  #changes = 0;
  /** Directories in which files are and may appear, until that may have changed. */
  #directories: ReadonlySet<string> | undefined;

  constructor(options: TailOptions, state: TailState) {
    this.#options = options;
    this.#finder = new FileFinder(options, state);
    this.#openFiles = new OpenFileLimit(this.#finder.files, options);
    this.#schedule = new LookSchedule(options);
  }

  /** Every source that is still of interest. */
  files(): Iterable<FollowedFile> {
    return this.#finder.files.all();
  }

  get state(): TailState {
    return this.#finder.memory.state;
  }

  /** Stays the same while every file stays as it is; undefined while something is to be done with one. */
  get stamp(): number | undefined {
    return this.#isAtRest ? this.#changes : undefined;
  }

  /** Files that match and are not followed yet, for want of room. */
  get waiting(): number {
    return this.#finder.limit.waiting;
  }

  /** What matches and cannot be read by its name. */
  get misnamed(): ReadonlySet<string> {
    return this.#finder.misnamed;
  }

  get counts(): TailCounts {
    return this.#finder.log.counts;
  }

  /** Takes the open files of a tail that reads no more: what was deleted cannot be opened again. */
  takeOver(before: Tail): void {
    const files = new Map(Array.from(before.#finder.files.latest(), (file) => [file.source.id, file]));
    for (const file of this.#finder.files.latest()) {
      const same = files.get(file.source.id);
      if (same) file.place.takeOver(same.place);
    }
  }

  /** Call once the end of a source is reported. */
  forget(file: FollowedFile): void {
    if (file.isMissing) return;
    this.#finder.forget(file);
    this.#startOver();
  }

  async close(): Promise<void> {
    this.#schedule.close();
    for (const file of this.#finder.files.latest()) await file.place.close();
  }

  /**
   * Blocks of lines, each file in turn, until the signal.
   */
  async *blocks(signal: AbortSignal): AsyncGenerator<Block<FollowedFile>> {
    while (!signal.aborted) {
      yield* this.poll(signal);
      await this.#schedule.pause(this.#pauseMs(), signal);
    }
  }

  #pauseMs(): number {
    if (this.#isLimited) return Math.min(this.#options.pollMs, LIMITED_PAUSE_MS);
    const { scanMs } = this.#options;
    return this.#isAtRest ? toTick(Math.max(this.#busyMs, this.#schedule.idleMs(scanMs))) : this.#busyMs;
  }

  /** Between two looks at files that grow. */
  get #busyMs(): number {
    return Math.max(this.#options.pollMs, this.#schedule.leastPauseMs);
  }

  /** One look at every file, and blocks of what it finds to read. */
  async *poll(signal: AbortSignal): AsyncGenerator<Block<FollowedFile>> {
    await this.#look(false);
    yield* this.#unread(signal, false);
  }

  /** The same, to where every file ends now, no faster than it may be read; a last line needs no line feed. */
  async *drain(signal: AbortSignal): AsyncGenerator<Block<FollowedFile>> {
    // What a file is may be clear only once another has been looked at.
    for (let looks = 0; looks < 2; looks++) {
      await this.#look(true);
      yield* this.#unread(signal, true);
    }
    while ((this.#isLimited || this.#finder.isSearching) && !signal.aborted) {
      await this.#schedule.pause(this.#isLimited ? LIMITED_PAUSE_MS : PENDING_PAUSE_MS, signal);
      if (this.#finder.isSearching) await this.#look(true);
      yield* this.#unread(signal, true);
    }
  }

  /** Files that are there and are not read to where they ended when they were looked at. */
  get unread(): FollowedFile[] {
    return Array.from(this.#finder.files.latest()).filter(
      ({ isOver, isAtEnd, error }) => !isOver && (!isAtEnd || error !== undefined),
    );
  }

  /** Why files that match are not read, by path. */
  get left(): ReadonlyMap<string, Refusal> {
    return this.#finder.left;
  }

  /**
   * Call now and then while no more blocks can be taken. What has come is known, then, and held on to: it may
   * be rotated, and deleted, before there is room to read it.
   */
  async keepWatch(): Promise<void> {
    if (this.#options.now() < this.#nextLookMs) return;
    await this.#look(false);
    for (const file of this.#finder.files.latest()) {
      if (file.isOpen || file.isAtEnd || file.isOver) continue;
      if (!(await this.#openFiles.makeRoom())) break;
      await this.#compare(file);
    }
    await this.#remember();
  }

  /** What the last look found to be unread. Looks again when reading that takes long. */
  async *#unread(signal: AbortSignal, isDrain: boolean): AsyncGenerator<Block<FollowedFile>> {
    for (let isIdle = this.#isAtRest; !isIdle;) {
      isIdle = true;
      let isAtRest = true;
      this.#isLimited = false;
      this.#isAtRest = false;
      for (const file of this.#finder.files.latest()) {
        if (signal.aborted) return;
        if (file.isAtRest) continue;
        isAtRest = false;
        const block = await this.#next(file, isDrain);
        if (block === undefined) continue;
        isIdle = false;
        yield block;
      }
      this.#isAtRest = isAtRest;
      this.#changes++;
      if ((await this.#remember()) || this.#openFiles.takeStarved()) isIdle = false;
      this.#finder.log.tellFound(isIdle);
      if (!isIdle && !isDrain && this.#options.now() >= this.#nextLookMs) await this.#look(false);
    }
  }

  /** @param isAll whether or not there is reason to look at a file */
  async #look(isAll: boolean): Promise<void> {
    const now = this.#options.now();
    if (this.#schedule.takeNewNames() || now >= this.#nextScanMs || isAll) {
      this.#nextScanMs = now + this.#options.scanMs;
      // Watched first: what appears meanwhile is then told of.
      this.#schedule.watch((this.#directories ??= this.#finder.directories()));
      if (await this.#finder.scan(isAll)) this.#startOver();
    }
    const found: Record<Finding, FollowedFile[]> = { here: [], moved: [], truncated: [] };
    for (const file of this.#schedule.due(this.#finder.files.latest(), isAll)) {
      const finding = await file.look(now);
      found[finding].push(file);
      // One that has ended may be gone, or be back.
      if (finding !== "here" || file.isOver || !file.isAtRest) this.#stir();
    }
    this.#nextLookMs = now + this.#busyMs;
    await this.#settle(found.moved, found.truncated);
    await this.#remember();
  }

  async #settle(moved: readonly FollowedFile[], truncated: readonly FollowedFile[]): Promise<void> {
    if (moved.length > 0 || truncated.length > 0 || this.#finder.isSearching) this.#startOver();
    for (const file of await this.#finder.settle(moved, truncated)) await file.look(this.#options.now());
  }

  /** There may be other files than before, or some in other places or of another state. */
  #startOver(): void {
    this.#schedule.startOver();
    this.#directories = undefined;
    this.#stir();
  }

  #stir(): void {
    this.#isAtRest = false;
    this.#changes++;
  }

  /** @returns nothing, too, when there is something to remember before the file is read on */
  async #next(file: FollowedFile, isDrain: boolean): Promise<Block<FollowedFile> | undefined> {
    if (!file.isAtEnd || file.position.nextBreak !== undefined) return this.#fill(file);
    if (file.isUnknown && !(await this.#verify(file))) return undefined;
    const { now, rotatedIdleMs } = this.#options;
    const idleMs = now() - file.changedAtMs;
    const { unpacked } = file.place;
    const isOver = file.phase === "rotated" && (isDrain || unpacked !== undefined || idleMs >= rotatedIdleMs);
    if (!file.position.hasPartialLine) {
      if (isOver && (await this.#isStillAtEnd(file))) await this.#end(file);
    } else if (isDrain || isOver || this.#isQuiet(file, idleMs)) {
      if (await breakHere(file, isDrain || isOver, now())) this.#finder.memory.hasNews = true;
    }
    return undefined;
  }

  async #end(file: FollowedFile): Promise<void> {
    const { damage, expected } = file.place.unpacked ?? {};
    if (damage === undefined) return file.end();
    const why = `${file.location}: damaged after byte ${file.read} of what it holds: ${damage}`;
    if (expected === undefined) return this.#finder.lose(file, why);
    this.#finder.log.damaged(file, file.abandon(expected), why);
    file.place.unpacked = { bytes: expected };
    await file.end();
  }

  /** It may not have been looked at for a while. */
  async #isStillAtEnd(file: FollowedFile): Promise<boolean> {
    return (await file.look(this.#options.now())) !== "truncated" && file.isAtEnd;
  }

  /** What stands at its end has waited long enough for more. */
  #isQuiet(file: FollowedFile, idleMs: number): boolean {
    const { partialLineMs } = this.#options;
    const { multiLineIdleMs = Infinity } = file.reading;
    if (file.known.endsWith(file.reading.filter.lineFeed) && idleMs >= multiLineIdleMs) return true;
    return partialLineMs > 0 && idleMs >= partialLineMs;
  }

  /** @returns whether what is known of it is true now, and nothing is to be remembered first */
  async #verify(file: FollowedFile): Promise<boolean> {
    if (!file.isOpen && !(await this.#openFiles.makeRoom())) return false;
    return this.#compare(file);
  }

  async #compare(file: FollowedFile): Promise<boolean> {
    const before = file.error;
    const found = await verify(file, this.#options.now());
    await this.#tellError(file, before);
    await this.#take(file, found);
    return found === "same";
  }

  async #fill(file: FollowedFile): Promise<Block<FollowedFile> | undefined> {
    if (file.limit?.room(this.#options.now()) === 0) {
      this.#isLimited = true;
      return undefined;
    }
    if (!file.isOpen && !(await this.#openFiles.makeRoom())) return undefined;
    const before = file.error;
    const { found, unframed } = await fill(file, this.#buffer, this.#options.now());
    await this.#tellError(file, before);
    await this.#take(file, found);
    // What was learned is written down first, of all files at once; then it is read again.
    const isCertain = found === "same" && !this.#finder.memory.hasNews;
    return isCertain && unframed ? file.frame(unframed) : undefined;
  }

  async #take(file: FollowedFile, found: Verification): Promise<void> {
    if (found !== "unreadable") file.unreadableSinceMs = undefined;
    else await this.#takeUnreadable(file);
    if (found === "truncated") await this.#settle([], [file]);
    if (found === "learned" || found === "truncated") this.#finder.memory.hasNews = true;
  }

  async #takeUnreadable(file: FollowedFile): Promise<void> {
    const nowMs = this.#options.now();
    file.unreadableSinceMs ??= nowMs;
    if (!file.isUnlinked || nowMs - file.unreadableSinceMs < UNREADABLE_FOR_MS) return;
    await this.#finder.lose(file, `deleted, and unreadable for an hour: ${file.error}`);
  }

  async #tellError(file: FollowedFile, before: string | undefined): Promise<void> {
    const { error, location } = file;
    if (error === undefined || error === before) return;
    this.#options.log.error({ ...whose(file), location }, error);
    if (error.startsWith("EMFILE")) await this.#openFiles.openFewer();
  }

  /** @returns whether there was something to write down */
  async #remember(): Promise<boolean> {
    const hasNews = this.#finder.memory.takeNews();
    if (hasNews) await this.#options.remember(this.state);
    return hasNews;
  }
}
