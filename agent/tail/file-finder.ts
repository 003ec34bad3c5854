import type { Logger } from "pino";
import { identityKey, sourceId } from "./file-identity.ts";
import type { FileRule } from "./file-rule.ts";
import { type FileRecord, FollowedFile } from "./followed-file.ts";
import { HEAD, type Resume } from "./line-framer.ts";
import { readStart } from "./read-start.ts";
import { type Sighting, sight, sightRotated } from "./sighting.ts";

/** A file that ended and is not found any more is remembered for a day, should it be moved back. */
const FORGET_AFTER_MS = 86_400_000;

export interface FinderOptions {
  readonly host: string;
  readonly rules: readonly FileRule[];
  readonly log: Logger;
  readonly now: () => number;
}

export interface FilePosition {
  readonly record: FileRecord;
  /** End of what is delivered. */
  readonly resume: Resume;
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

/** What a checkpoint knows: the position of each source, and the rules that were in use. */
export interface TailState {
  readonly rules: readonly string[];
  readonly files: readonly FilePosition[];
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
  /** Positions of files whose tag is not configured at present. */
  readonly #parked = new Map<string, FilePosition>();
  readonly #knownRules: Set<string>;
  readonly counts: TailCounts = { found: 0, rotated: 0, truncated: 0, lost: 0, abandonedBytes: 0 };
  #hasNews = false;

  constructor(options: FinderOptions, state: TailState) {
    this.#options = options;
    this.#knownRules = new Set(state.rules);
    for (const position of state.files) this.#restore(position);
  }

  #restore(position: FilePosition): void {
    const { record, resume } = position;
    const key = identityKey(record.file);
    const rule = this.#options.rules.find(({ tag }) => tag === record.tag);
    if (rule === undefined) {
      this.#parked.set(key, position);
      return;
    }
    const other = this.#files.get(key);
    if (other && other.generation > record.generation) return;
    this.#files.set(key, new FollowedFile(record, resume, rule.maxLineBytes, this.#options.now()));
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
    const files = Array.from(this.all(), ({ record, delivery }) => ({ record, resume: delivery.resume }));
    return { rules: [...this.#knownRules], files: [...files, ...this.#parked.values()] };
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
      const ownPath = sightings.find(({ path }) => path === file?.source.path);
      if (file) file.seen(ownPath ?? sightings[0]!, this.#options.now());
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

  #latestAt(path: string): FollowedFile | undefined {
    let latest: FollowedFile | undefined;
    for (const file of this.#files.values()) {
      if (file.source.path === path && !(latest && isBornAfter(latest, file))) latest = file;
    }
    return latest;
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
    const fresh = {
      record: { source, file, generation: 0, location, hasEnded: false, guard: undefined },
      resume: start,
    };
    const { record, resume } = this.#parked.get(key) ?? fresh;
    this.#parked.delete(key);
    this.#files.set(key, new FollowedFile({ ...record, tag }, resume, maxLineBytes, now()));
    this.#hasNews = true;
    this.counts.found++;
    log.info({ source: record.source.id, path, location, tag, offset: resume.offset }, "following");
  }

  /** Another file, or none, is where this one was. */
  async moved(file: FollowedFile): Promise<void> {
    const { log } = this.#options;
    await this.#adoptRotated(file);
    const { source, location } = file;
    const here = await sight(location);
    const isFound = here !== undefined && identityKey(here.file) === identityKey(file.file);
    if (isFound || file.isOpen) {
      this.counts.rotated++;
      log.info({ source: source.id, path: source.path, location }, "rotated");
    } else {
      file.phase = "lost";
      this.counts.lost++;
      file.error = `the file is gone: what it held after byte ${file.read} is unknown`;
      log.error({ source: source.id, path: source.path, offset: file.read }, file.error);
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
      if (known && known.phase !== "active") known.seen(sighting, this.#options.now());
      if (!known && isBornAfter(sighting, file)) this.#follow(sighting, path, file, HEAD);
    }
  }

  /** What was read of the file is not there any more. @returns its bytes as they are now: another source */
  truncated(file: FollowedFile): FollowedFile {
    const { log, now } = this.#options;
    const next = file.nextGeneration(now());
    file.phase = "ended";
    this.#truncated.add(file);
    this.#files.set(identityKey(file.file), next);
    this.#hasNews = true;
    const lost = file.size - file.read;
    this.counts.truncated++;
    this.counts.abandonedBytes += Math.max(0, lost);
    const fields = { source: file.source.id, path: file.source.path, next: next.source.id, lost };
    if (lost > 0) log.error(fields, "truncated before all of it was read");
    else log.info(fields, "truncated");
    return next;
  }
}

type Born = Pick<Sighting, "file">;

function isBornAfter(a: Born, b: Born): boolean {
  return BigInt(a.file.birthtimeNs) > BigInt(b.file.birthtimeNs);
}
