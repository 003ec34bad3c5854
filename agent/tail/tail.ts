import { setTimeout as sleep } from "node:timers/promises";
import type { Logger } from "pino";
import { identityKey, sourceId } from "./file-identity.ts";
import type { FileRule } from "./file-rule.ts";
import { type Block, type FileRecord, FollowedFile } from "./followed-file.ts";
import { HEAD, type Resume } from "./line-framer.ts";
import { readStart } from "./read-start.ts";
import { type Sighting, sight, sightRotated } from "./sighting.ts";

/** Room for the longest line there can be, and for hundreds of usual ones in one read. */
const READ_BYTES = 2 ** 20;

/** A file that ended and is not found any more is remembered for a day, should it be moved back. */
const FORGET_AFTER_MS = 86_400_000;

export interface TailOptions {
  readonly host: string;
  readonly rules: readonly FileRule[];
  readonly pollMs: number;
  readonly scanMs: number;
  readonly rotatedIdleMs: number;
  /** 0: never. */
  readonly partialLineMs: number;
  readonly maxOpenFiles: number;
  readonly log: Logger;
  readonly now: () => number;
}

export interface FilePosition {
  readonly record: FileRecord;
  /** End of what is delivered. */
  readonly resume: Resume;
}

/** What a checkpoint knows: the position of each source, and the rules that were in use. */
export interface TailState {
  readonly rules: readonly string[];
  readonly files: readonly FilePosition[];
}

/**
 * Follows the files of all rules through renames, truncation and deletion.
 *
 * A file is followed by what it is, not by its name. Its name matters only to find it: one that has
 * left its place is looked for among the rotated names beside it, and so are files that came and
 * went there between two looks.
 */
export class Tail {
  readonly #options: TailOptions;
  readonly #files = new Map<string, FollowedFile>();
  /** Earlier generations of truncated files, until they are reported. */
  readonly #truncated = new Set<FollowedFile>();
  /** Positions of files whose tag is not configured at present. */
  readonly #parked = new Map<string, FilePosition>();
  readonly #knownRules: Set<string>;
  #nextScanMs = 0;
  #nextLookMs = 0;

  constructor(options: TailOptions, state: TailState) {
    this.#options = options;
    this.#knownRules = new Set(state.rules);
    for (const { record, resume } of state.files) this.#restore(record, resume);
  }

  #restore(record: FileRecord, resume: Resume): void {
    const key = identityKey(record.file);
    const rule = this.#options.rules.find(({ tag }) => tag === record.tag);
    if (rule === undefined) this.#parked.set(key, { record, resume });
    else {
      const other = this.#files.get(key);
      if (other && other.generation > record.generation) return;
      this.#files.set(key, new FollowedFile(record, resume, rule.maxLineBytes, this.#options.now()));
    }
  }

  /** Every source that is still of interest. */
  *files(): Generator<FollowedFile> {
    yield* this.#truncated;
    yield* this.#files.values();
  }

  get state(): TailState {
    const files = Array.from(this.files(), ({ record, delivery }) => ({ record, resume: delivery.resume }));
    return { rules: [...this.#knownRules], files: [...files, ...this.#parked.values()] };
  }

  /**
   * Blocks of whole lines, each file in turn. A block is good until the next is asked for, and must
   * have been framed by then.
   *
   * @param untilDrained ends once every file is read to where it ended at the first look
   */
  async *blocks(signal: AbortSignal, untilDrained: boolean): AsyncGenerator<Block> {
    const buffer = Buffer.allocUnsafe(READ_BYTES);
    for (let round = 0; ; round++) {
      const now = this.#options.now();
      if (round === 0 || (!untilDrained && now >= this.#nextLookMs)) await this.#look(now);
      let isIdle = true;
      for (const file of this.#files.values()) {
        if (signal.aborted) return;
        const block = await this.#next(file, buffer, untilDrained);
        if (block === undefined) continue;
        isIdle = false;
        yield block;
      }
      if (!isIdle) continue;
      if (untilDrained) return;
      await sleep(this.#options.pollMs, undefined, { signal }).catch(() => {});
      this.#nextLookMs = 0;
    }
  }

  /** A truncated generation, or an ended file that is gone, needs no keeping once it was reported. */
  forget(file: FollowedFile): void {
    this.#truncated.delete(file);
    if (this.#options.now() - file.seenAtMs < FORGET_AFTER_MS) return;
    const key = identityKey(file.file);
    if (this.#files.get(key) === file) this.#files.delete(key);
  }

  async close(): Promise<void> {
    for (const file of this.#files.values()) await file.close();
  }

  async #look(now: number): Promise<void> {
    this.#nextLookMs = now + this.#options.pollMs;
    if (now >= this.#nextScanMs) {
      await this.#scan(now);
      this.#nextScanMs = now + this.#options.scanMs;
    }
    for (const file of this.#files.values()) {
      if (file.phase === "ended" || file.phase === "lost") continue;
      const finding = await file.look(now);
      if (finding === "moved") await this.#moved(file);
      if (finding === "truncated") this.#startOver(file);
    }
  }

  /** Searches for the files of every rule. A file belongs to the first rule that finds it. */
  async #scan(now: number): Promise<void> {
    const found = new Map<string, { rule: FileRule; sightings: Sighting[] }>();
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
    for (const [key, { rule, sightings }] of found) {
      const file = this.#files.get(key);
      if (file) file.seen(sightings.find(({ path }) => path === file.source.path) ?? sightings[0]!, now);
      else await this.#discover(sightings[0]!, rule);
    }
    for (const { key } of this.#options.rules) this.#knownRules.add(key);
  }

  async #discover(sighting: Sighting, rule: FileRule): Promise<void> {
    const predecessor = this.#latestAt(sighting.path);
    if (predecessor) await this.#adoptRotated(predecessor);
    // Only files that are older than the rule may be left out: a later one appeared while we watched.
    const isNewRule = !this.#knownRules.has(rule.key);
    const start = isNewRule && rule.startAt === "end" ? await readStart(sighting) : HEAD;
    this.#follow(sighting, sighting.path, rule, start);
  }

  /** @param path at which it was, or would have been, seen first */
  #follow(
    { file, path: location }: Sighting,
    path: string,
    { tag, maxLineBytes }: Pick<FileRule, "tag" | "maxLineBytes">,
    start: Resume,
  ): void {
    const { host, now, log } = this.#options;
    const key = identityKey(file);
    const source = { id: sourceId(host, file, 0, now()), host, path };
    const fresh = { record: { source, file, generation: 0, location, hasEnded: false }, resume: start };
    const { record, resume } = this.#parked.get(key) ?? fresh;
    this.#parked.delete(key);
    this.#files.set(key, new FollowedFile({ ...record, tag }, resume, maxLineBytes, now()));
    log.info({ source: record.source.id, path, location, tag, offset: resume.offset }, "following");
  }

  #latestAt(path: string): FollowedFile | undefined {
    let latest: FollowedFile | undefined;
    for (const file of this.#files.values()) {
      if (file.source.path === path && !(latest && isBornAfter(latest, file))) latest = file;
    }
    return latest;
  }

  /** Another file, or none, is where this one was. */
  async #moved(file: FollowedFile): Promise<void> {
    await this.#adoptRotated(file);
    const { source, isOpen, location } = file;
    const here = await sight(location);
    const isFound = here !== undefined && identityKey(here.file) === identityKey(file.file);
    if (isFound || isOpen) {
      this.#options.log.info({ source: source.id, path: source.path, location }, "rotated");
    } else {
      file.phase = "lost";
      file.error = `the file is gone: what it held after byte ${file.read} is unknown`;
      this.#options.log.error({ source: source.id, path: source.path, offset: file.read }, file.error);
    }
  }

  /**
   * Looks among the rotated names for where followed files went, and for files that were born after
   * `file` at its path and rotated away before they were seen there.
   */
  async #adoptRotated(file: FollowedFile): Promise<void> {
    const { path } = file.source;
    for (const sighting of await sightRotated(path)) {
      const known = this.#files.get(identityKey(sighting.file));
      if (known === undefined) {
        if (isBornAfter(sighting, file)) this.#follow(sighting, path, file, HEAD);
      } else if (known.phase !== "active") known.seen(sighting, this.#options.now());
    }
  }

  #startOver(file: FollowedFile): void {
    const { log, now } = this.#options;
    const next = file.nextGeneration(now());
    file.phase = "ended";
    this.#truncated.add(file);
    this.#files.set(identityKey(file.file), next);
    const lost = file.size - file.read;
    const fields = { source: file.source.id, path: file.source.path, next: next.source.id, lost };
    if (lost > 0) log.error(fields, "truncated before all of it was read");
    else log.info(fields, "truncated");
  }

  async #next(file: FollowedFile, buffer: Buffer, isDrain: boolean): Promise<Block | undefined> {
    if (file.phase === "ended" || file.phase === "lost") return undefined;
    if (!file.isAtEnd) {
      if (!file.isOpen) await this.#makeRoom();
      return this.#block(file, buffer, false);
    }
    const idleMs = this.#options.now() - file.changedAtMs;
    const isOver = file.phase === "rotated" && (isDrain || idleMs >= this.#options.rotatedIdleMs);
    const { partialLineMs } = this.#options;
    const isQuiet = isDrain || isOver || (partialLineMs > 0 && idleMs >= partialLineMs);
    if (isQuiet && file.hasPartialLine) return this.#block(file, buffer, true);
    if (isOver) await file.end();
    return undefined;
  }

  async #block(file: FollowedFile, buffer: Buffer, isEnd: boolean): Promise<Block | undefined> {
    const before = file.error;
    const window = await file.fill(isEnd ? buffer.subarray(0, file.size - file.read) : buffer);
    if (file.error !== undefined && file.error !== before) {
      this.#options.log.error({ source: file.source.id, path: file.location }, file.error);
    }
    if (window === undefined || (isEnd && (await file.hasChanged()))) return undefined;
    return { file, window, isEnd };
  }

  /** Closes the file that was idle the longest and can be found again, when too many are open. */
  async #makeRoom(): Promise<void> {
    const open = [...this.#files.values()].filter(({ isOpen }) => isOpen);
    if (open.length < this.#options.maxOpenFiles) return;
    const closable = open.filter(({ phase, isAtEnd }) => phase === "active" && isAtEnd);
    const idlest = closable.sort((a, b) => a.changedAtMs - b.changedAtMs)[0];
    await idlest?.close();
  }
}

type Born = Pick<Sighting, "file">;

function isBornAfter(a: Born, b: Born): boolean {
  return BigInt(a.file.birthtimeNs) > BigInt(b.file.birthtimeNs);
}
