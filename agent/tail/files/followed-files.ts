import { basename } from "node:path";
import type { Copies } from "./copies.ts";
import { type FileIdentity, identityKey, inodeKey, isBornAfter } from "../disk/file-identity.ts";
import type { FollowedFile } from "./followed-file.ts";

/** A file that is not found any more is remembered for a day, should it be moved back. */
export const FORGET_AFTER_MS = 86_400_000;

/** Of bytes that are nowhere but in a copy: for as long a late line may be added to that. */
const COPIED_FOR_MS = 3_600_000;

/** Every source that is of interest, and ways to find one without asking all. */
export class FollowedFiles {
  /** By identity: the latest generation of each file. */
  readonly #latest = new Map<string, FollowedFile>();
  /** Earlier generations of truncated files, until they are reported. */
  readonly #truncated = new Set<FollowedFile>();
  /** By the path at which they were first read, and by its last part. */
  readonly #byPath = new Index();
  readonly #byName = new Index();
  readonly #byInode = new Index();

  /** Files that may have bytes to read: the writer of one that has ended may still hold it. */
  latest(): Iterable<FollowedFile> {
    return this.#latest.values();
  }

  get count(): number {
    return this.#latest.size + this.#truncated.size;
  }

  /** Earlier generations that are not reported, too. */
  *all(): Generator<FollowedFile> {
    yield* this.#truncated;
    yield* this.#latest.values();
  }

  /** @param key of its identity */
  find(key: string): FollowedFile | undefined {
    return this.#latest.get(key);
  }

  isTruncated(file: FollowedFile): boolean {
    return this.#truncated.has(file);
  }

  /** Of those that were first read at a path, the one that was made last. */
  latestAt(path: string): FollowedFile | undefined {
    let latest: FollowedFile | undefined;
    for (const file of this.#byPath.of(path)) {
      if (!(latest && isBornAfter(latest.file, file.file))) latest = file;
    }
    return latest;
  }

  /** True when a file was made after one that was followed at a path. */
  isFollower(file: FileIdentity, path: string): boolean {
    for (const { file: earlier } of this.#byPath.of(path)) if (isBornAfter(file, earlier)) return true;
    return false;
  }

  /** Those that were first read under a name, in whatever directory. */
  named(name: string): Iterable<FollowedFile> {
    return this.#byName.of(name);
  }

  /** Those of an inode on any device. */
  withInode(file: FileIdentity): Iterable<FollowedFile> {
    return this.#byInode.of(inodeKey(file));
  }

  add(file: FollowedFile): void {
    this.#latest.set(identityKey(file.file), file);
    this.#index(file);
  }

  /** Its bytes are nowhere any more, but may not be delivered yet. */
  cutOff(file: FollowedFile, nowMs: number): void {
    file.phase = "ended";
    file.isCutOff = true;
    file.missedAtMs ??= Date.now();
    file.goneAtMs ??= nowMs;
    this.#truncated.add(file);
    this.#index(file);
  }

  /**
   * Call now and then once its end is reported: it is kept while its file is there, or may come back. The latest
   * of a path is kept for as long: what comes there next is known by it for one of ours.
   *
   * @param isCrowded others wait for its room: what is gone makes way, and comes twice should it be moved back
   */
  forget(file: FollowedFile, copies: Copies, nowMs: number, isCrowded: boolean): void {
    const { isUnlinked, source, goneAtMs = nowMs } = file;
    const isNowhere = this.#truncated.has(file) || (isUnlinked && this.latestAt(source.path) !== file);
    const makesWay = isCrowded && (isUnlinked || file.goneAtMs !== undefined);
    const keptMs = makesWay ? 0 : isNowhere ? (copies.hasOneOf(file) ? COPIED_FOR_MS : 0) : FORGET_AFTER_MS;
    if (nowMs - goneAtMs >= keptMs) this.delete(file);
  }

  /** Call before its identity changes. */
  delete(file: FollowedFile): void {
    const key = identityKey(file.file);
    if (this.#latest.get(key) === file) this.#latest.delete(key);
    this.#truncated.delete(file);
    this.#byPath.delete(file.source.path, file);
    this.#byName.delete(basename(file.source.path), file);
    this.#byInode.delete(inodeKey(file.file), file);
  }

  #index(file: FollowedFile): void {
    this.#byPath.add(file.source.path, file);
    this.#byName.add(basename(file.source.path), file);
    this.#byInode.add(inodeKey(file.file), file);
  }
}

class Index {
  /** Most keys have one file, and a set of one takes ten times the memory. */
  readonly #files = new Map<string, FollowedFile | Set<FollowedFile>>();

  of(key: string): Iterable<FollowedFile> {
    const found = this.#files.get(key);
    return found instanceof Set ? found : found ? [found] : [];
  }

  add(key: string, file: FollowedFile): void {
    const found = this.#files.get(key);
    if (found instanceof Set) found.add(file);
    else this.#files.set(key, found && found !== file ? new Set([found, file]) : file);
  }

  delete(key: string, file: FollowedFile): void {
    const found = this.#files.get(key);
    if (found === file) this.#files.delete(key);
    if (!(found instanceof Set)) return;
    found.delete(file);
    if (found.size === 0) this.#files.delete(key);
  }
}
