import { basename } from "node:path";
import { setImmediate } from "node:timers/promises";
import type { Copy } from "../files/copies.ts";
import type { FollowedFile } from "../files/followed-file.ts";
import type { FollowedFiles } from "../files/followed-files.ts";
import { identityKey, isBornAfter } from "../disk/file-identity.ts";
import { detectCopy, type CopyMatch, copyCandidates } from "./copy-detection.ts";
import { hasRested, PendingCopies } from "./pending-copies.ts";
import { PresentBytes } from "./present-bytes.ts";
import { copiedNames, isRotatedName, originalNames } from "../disk/rotated-name.ts";
import { statRotated } from "../disk/rotated-files.ts";
import type { FileStat } from "../disk/file-stat.ts";
import type { TailLog } from "../files/tail-log.ts";
import type { TailMemory } from "../files/tail-memory.ts";

/** Thousands of files take long: so often, others have their turn. */
const TURN_MS = 50;

/** Whether a file holds what a followed one held; "unclear" when that cannot be told now. */
export type CopySearch = "found" | "none" | "unclear";

export interface CopyFinderParts {
  readonly files: FollowedFiles;
  readonly memory: TailMemory;
  readonly log: TailLog;
  readonly now: () => number;
  /** Whether a path is configured without a wildcard. */
  readonly isNamed: (path: string) => boolean;
}

/** Finds files that hold what another one held, and so are no sources of their own. */
export class CopyFinder {
  readonly #parts: CopyFinderParts;
  readonly #pending = new PendingCopies();
  #present: PresentBytes;
  #nextTurnMs = 0;

  constructor(parts: CopyFinderParts) {
    this.#parts = parts;
    this.#present = this.#lookAgain();
  }

  /** Call when files were found: what their originals hold is to be known as it is after that. */
  startOver(): void {
    this.#present = this.#lookAgain();
  }

  #lookAgain(): PresentBytes {
    const { now, memory } = this.#parts;
    return new PresentBytes(now, () => {
      memory.hasNews = true;
    });
  }

  /**
   * @param isMatch whether an entry takes it; others are read only where they continue what was
   * @param among those that it may be a copy of; by its name and age if absent
   */
  async findOriginal(
    found: FileStat,
    isMatch: boolean,
    among?: readonly FollowedFile[],
  ): Promise<CopySearch> {
    const { copies } = this.#parts.memory;
    await this.#giveTurn();
    const known = copies.find(found.file);
    if (known && this.#hasNoMore(found, known)) return "found";
    const candidates = (among ?? [...(await copyCandidates(found, this.#parts.files))]).filter(
      (original) => this.#mayHaveCopy(original, found) || original.source.id === known?.of,
    );
    // All that is in a copy was in them by now.
    for (const candidate of candidates) {
      if (!candidate.isNamed && !candidate.isCutOff) await this.#present.of(candidate);
    }
    const whole = this.#pending.originalOf(found);
    if (whole?.isCutOff && candidates.includes(whole)) {
      const relation = found.size > whole.read ? "successor" : "copy";
      return this.#settle(found, { original: whole, relation });
    }
    const isKnownCopyOf = (original: FollowedFile): boolean => original.source.id === known?.of;
    const match = await detectCopy(found, candidates, this.#present, isKnownCopyOf);
    if (typeof match !== "string" && match.relation !== "begun") return this.#settle(found, match);
    const original = typeof match === "string" ? whole : match.original;
    const isClear =
      typeof match === "string" ? match === "none" && !(await this.#isCutOff(whole)) : hasRested(found);
    if (!isClear && this.#pending.waits(found, candidates, original)) return "unclear";
    this.#pending.delete(found);
    copies.delete(found.file);
    return !isMatch && typeof match !== "string" && !isOlder(found, match.original) ? "found" : "none";
  }

  /** The next look will find that it was. */
  async #isCutOff(original: FollowedFile | undefined): Promise<boolean> {
    return original !== undefined && (await this.#present.of(original)) === "other";
  }

  async #settle(found: FileStat, match: CopyMatch): Promise<CopySearch> {
    const { memory } = this.#parts;
    const { copies } = memory;
    this.#pending.delete(found);
    memory.hasNews = true;
    if (match.relation === "copy") {
      copies.add(found, match.original);
      this.#parts.log.isCopy(match.original, found);
    } else {
      await this.#rehome(match.original, found);
    }
    return "found";
  }

  /** Two paths that are configured are two files; a generation that was cut off is in one copy. */
  #mayHaveCopy(original: FollowedFile, { path, file }: FileStat): boolean {
    const { isNamed, memory } = this.#parts;
    const isSameInode = original.file.ino === file.ino;
    if (!isSameInode && isNamed(path) && isNamed(original.source.path)) return false;
    const [name, originalName] = [basename(path), basename(original.source.path)];
    if (isRotatedName(name, originalName) && !copiedNames(name).includes(originalName)) return false;
    return !(original.isCutOff && memory.copies.hasOneOf(original));
  }

  /** Nothing is in a copy that is not delivered, or that has another to tell of it. */
  #hasNoMore({ path, size, mtimeNs }: FileStat, known: Copy): boolean {
    if (size > known.size || (known.mtimeNs !== undefined && mtimeNs !== known.mtimeNs)) return false;
    for (const name of [basename(path), ...originalNames(basename(path))]) {
      for (const { source, read, phase, isCutOff } of this.#parts.files.named(name)) {
        // While its original is there it may as well be a file of its own.
        if (source.id === known.of) return size <= read && (isCutOff || phase !== "active");
      }
    }
    return true;
  }

  async #giveTurn(): Promise<void> {
    if (performance.now() < this.#nextTurnMs) return;
    await setImmediate();
    this.#nextTurnMs = performance.now() + TURN_MS;
  }

  async #rehome(file: FollowedFile, found: FileStat): Promise<void> {
    const { files, memory, log, now } = this.#parts;
    files.delete(file);
    memory.copies.delete(found.file);
    await file.rehome(found, now());
    files.add(file);
    log.goesOnInCopy(file);
  }

  /**
   * What copytruncate copied before it truncated goes on in the copy, if there is one.
   *
   * @param onNowhere called for each of which there is none
   * @returns paths beside which a copy may be that could not be looked at
   */
  async ofTruncated(
    truncated: readonly FollowedFile[],
    onNowhere: (file: FollowedFile) => void,
  ): Promise<Set<string>> {
    const unsure = new Set<string>();
    if (truncated.length === 0) return unsure;
    const { files, memory } = this.#parts;
    const rotated = await statRotated(truncated.map(({ source }) => source.path));
    this.startOver();
    for (const file of truncated) {
      // The oldest of several that begin alike was made of the generation that was cut off first.
      const oldestFirst = rotated
        .get(file.source.path)!
        .sort((a, b) => (isBornAfter(a.file, b.file) ? 1 : -1));
      for (const fileStat of oldestFirst) {
        if (files.find(identityKey(fileStat.file))) continue;
        if ((await this.findOriginal(fileStat, true, [file])) === "unclear") unsure.add(file.source.path);
      }
      if (files.isTruncated(file) && !memory.copies.hasOneOf(file)) onNowhere(file);
    }
    return unsure;
  }
}

/** A file that is as long as its copy, and was changed after it, has been written anew. */
function isOlder({ size, mtimeNs }: FileStat, { looked }: FollowedFile): boolean {
  return looked?.size === size && BigInt(looked.mtimeNs) > BigInt(mtimeNs);
}
