import { setTimeout as sleep } from "node:timers/promises";
import { FileFinder, type FinderOptions, type TailCounts, type TailState } from "./file-finder.ts";
import type { Block, FollowedFile } from "./followed-file.ts";

/** Room for the longest line there can be, and for thousands of usual ones in one read. */
const READ_BYTES = 2 ** 20;

export interface TailOptions extends FinderOptions {
  readonly pollMs: number;
  readonly scanMs: number;
  readonly rotatedIdleMs: number;
  /** 0: never. */
  readonly partialLineMs: number;
  readonly maxOpenFiles: number;
  /**
   * Called when sources were found, before any byte of them is read. A source that is forgotten in a
   * crash could not be found again if it were rotated before the next start.
   */
  readonly remember: (state: TailState) => Promise<void>;
}

/** Reads the files of all rules as they grow, through renames, truncation and deletion. */
export class Tail {
  readonly #options: TailOptions;
  readonly #finder: FileFinder;
  readonly #buffer = Buffer.allocUnsafe(READ_BYTES);
  #nextScanMs = 0;
  #nextLookMs = 0;

  constructor(options: TailOptions, state: TailState) {
    this.#options = options;
    this.#finder = new FileFinder(options, state);
  }

  /** Every source that is still of interest. */
  files(): Iterable<FollowedFile> {
    return this.#finder.all();
  }

  get state(): TailState {
    return this.#finder.state;
  }

  get counts(): TailCounts {
    return this.#finder.counts;
  }

  /** Takes the open files of a tail that reads no more: what was deleted cannot be opened again. */
  takeOver(before: Tail): void {
    const files = new Map(Array.from(before.#finder.current(), (file) => [file.source.id, file]));
    for (const file of this.#finder.current()) {
      const same = files.get(file.source.id);
      if (same) file.takeOver(same);
    }
  }

  /** Call once the end of a source is reported. */
  forget(file: FollowedFile): void {
    this.#finder.forget(file);
  }

  async close(): Promise<void> {
    for (const file of this.#finder.current()) await file.close();
  }

  /**
   * Blocks of lines, each file in turn, until the signal. A block is good until the next is asked for,
   * and must have been framed by then.
   */
  async *blocks(signal: AbortSignal): AsyncGenerator<Block> {
    while (!signal.aborted) {
      yield* this.poll(signal);
      await sleep(this.#options.pollMs, undefined, { signal }).catch(() => {});
    }
  }

  /** One look at every file, and blocks of what it finds to read. */
  async *poll(signal: AbortSignal): AsyncGenerator<Block> {
    await this.#look();
    yield* this.#unread(signal, false);
  }

  /** The same, to where every file ends now; a last line without line feed is a line. */
  async *drain(signal: AbortSignal): AsyncGenerator<Block> {
    await this.#look();
    yield* this.#unread(signal, true);
  }

  /** What the last look found to be unread. Looks again when reading that takes long. */
  async *#unread(signal: AbortSignal, isDrain: boolean): AsyncGenerator<Block> {
    for (let isIdle = false; !isIdle;) {
      isIdle = true;
      for (const file of this.#finder.current()) {
        if (signal.aborted) return;
        const block = await this.#next(file, isDrain);
        if (block === undefined) continue;
        isIdle = false;
        yield block;
      }
      if (!isIdle && !isDrain && this.#options.now() >= this.#nextLookMs) await this.#look();
    }
  }

  async #look(): Promise<void> {
    const now = this.#options.now();
    this.#nextLookMs = now + this.#options.pollMs;
    if (now >= this.#nextScanMs) {
      await this.#finder.scan();
      this.#nextScanMs = now + this.#options.scanMs;
    }
    for (const file of this.#finder.current()) {
      if (file.phase === "ended" || file.phase === "lost") continue;
      const finding = await file.look(now);
      if (finding === "moved") await this.#finder.moved(file);
      if (finding === "truncated") await this.#finder.truncated(file).look(now);
    }
    await this.#rememberNews();
  }

  async #next(file: FollowedFile, isDrain: boolean): Promise<Block | undefined> {
    if (file.phase === "ended" || file.phase === "lost") return undefined;
    if (!file.isAtEnd) return this.#block(file, false);
    const { now, rotatedIdleMs, partialLineMs } = this.#options;
    const idleMs = now() - file.changedAtMs;
    const isOver = file.phase === "rotated" && (isDrain || idleMs >= rotatedIdleMs);
    const isQuiet = isDrain || isOver || (partialLineMs > 0 && idleMs >= partialLineMs);
    if (isQuiet && file.hasPartialLine) return this.#block(file, true);
    if (isOver) await file.end();
    return undefined;
  }

  async #block(file: FollowedFile, isEnd: boolean): Promise<Block | undefined> {
    if (!file.isOpen) await this.#makeRoom();
    const before = file.error;
    const window = await file.fill(isEnd ? this.#buffer.subarray(0, file.size - file.read) : this.#buffer);
    if (file.error !== undefined && file.error !== before) {
      this.#options.log.error({ source: file.source.id, path: file.location }, file.error);
    }
    if (window === "truncated") return this.#startOver(file);
    // What has grown since the last look has not ended.
    if (window === undefined || (isEnd && (await file.hasChanged()))) return undefined;
    return { file, window, isEnd };
  }

  async #startOver(file: FollowedFile): Promise<Block | undefined> {
    const next = this.#finder.truncated(file);
    await next.look(this.#options.now());
    await this.#rememberNews();
    return this.#next(next, false);
  }

  async #rememberNews(): Promise<void> {
    if (this.#finder.takeNews()) await this.#options.remember(this.state);
  }

  /** Closes the file that was idle the longest and can be found again, when too many are open. */
  async #makeRoom(): Promise<void> {
    const open = Array.from(this.#finder.current()).filter(({ isOpen }) => isOpen);
    if (open.length < this.#options.maxOpenFiles) return;
    const closable = open.filter(({ phase, isAtEnd }) => phase === "active" && isAtEnd);
    const idlest = closable.sort((a, b) => a.changedAtMs - b.changedAtMs)[0];
    await idlest?.close();
  }
}
