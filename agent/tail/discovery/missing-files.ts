import { systemReason } from "../../agent-error.ts";
import { CompressedFile, type Unpacked } from "../files/compressed-file.ts";
import type { CopyFinder, CopySearch } from "../copies/copy-finder.ts";
import { identityKey, isBornBefore, sameFile } from "../disk/file-identity.ts";
import { compare } from "../fingerprint/fingerprint.ts";
import type { FollowedFile } from "../files/followed-file.ts";
import type { FollowedFiles } from "../files/followed-files.ts";
import { readHead } from "../fingerprint/head-fingerprint.ts";
import { hasRested } from "../copies/pending-copies.ts";
import { findRotations } from "./rotation-search.ts";
import type { FileStat } from "../disk/file-stat.ts";
import type { TailLog } from "../files/tail-log.ts";
import type { TailMemory } from "../files/tail-memory.ts";

export interface MissingFilesParts {
  readonly files: FollowedFiles;
  readonly memory: TailMemory;
  readonly log: TailLog;
  readonly copies: CopyFinder;
  readonly now: () => number;
  /** Called for one that is nowhere. @param problem of what may have been it, and cannot be read */
  readonly giveUp: (file: FollowedFile, problem: string | undefined) => Promise<void>;
}

/**
 * Files whose bytes are not where they were: moved out of sight or truncated. They go on in what rotation made
 * of them, compressed or in another directory. One at a time is unpacked, for the memory that takes.
 */
export class MissingFiles {
  readonly #parts: MissingFilesParts;
  readonly #waiting = new Set<FollowedFile>();
  #unpacked: FollowedFile | undefined;
  /** Met in the search for one. */
  #problem: string | undefined;

  constructor(parts: MissingFilesParts) {
    this.#parts = parts;
  }

  add(file: FollowedFile): void {
    file.isMissing = true;
    // It has not ended while there may be more of it.
    if (file.isCutOff) file.phase = "rotated";
    this.#waiting.add(file);
  }

  /** Some of them are to be found, or to be read to the end. */
  get isBusy(): boolean {
    return this.#waiting.size > 0 || this.#isUnpacking;
  }

  get #isUnpacking(): boolean {
    return this.#unpacked?.isOver === false;
  }

  /** Looks for those that are missing, up to the first that has to be unpacked. */
  async search(): Promise<void> {
    for (const file of this.#waiting) {
      if (this.#isUnpacking) return;
      const isFound = !file.isCutOff && file.phase !== "lost";
      const found = isFound ? "found" : await this.#find(file);
      if (found === "unclear") continue;
      this.#waiting.delete(file);
      file.isMissing = false;
      if (file.isCutOff) file.phase = "ended";
      if (found === "none") await this.#parts.giveUp(file, this.#problem);
    }
  }

  async #find(file: FollowedFile): Promise<CopySearch> {
    const { files, copies, memory } = this.#parts;
    this.#problem = undefined;
    const { plain, compressed } = await findRotations(file.source.path);
    let isUnclear = false;
    const itself = [...plain, ...compressed].find((found) => sameFile(found.file, file.file));
    if (itself && !file.isCutOff) {
      file.seen(itself, this.#parts.now());
      return "found";
    }
    for (const found of plain) {
      if (!file.isCutOff || files.find(identityKey(found.file))) continue;
      const match = await copies.findOriginal(found, true, [file]);
      // It may be the copy of another generation.
      if (!file.isCutOff || memory.copies.hasOneOf(file)) return "found";
      isUnclear ||= match === "unclear";
    }
    for (const found of compressed) {
      if (files.find(identityKey(found.file)) || isMadeBefore(found, file)) continue;
      const unpacked = await unpackedOf(found, file);
      if (unpacked === "other") continue;
      if ("problem" in unpacked) this.#problem = `${found.path} cannot be read: ${unpacked.problem}`;
      if ("bytes" in unpacked && (unpacked.damage === undefined || hasRested(found))) {
        return this.#goOn(file, found, unpacked);
      }
      // It may not be complete.
      isUnclear ||= !hasRested(found);
    }
    return isUnclear ? "unclear" : "none";
  }

  async #goOn(file: FollowedFile, found: FileStat, unpacked: Unpacked): Promise<CopySearch> {
    const { files, memory, log, now } = this.#parts;
    files.delete(file);
    await file.rehome(found, now(), unpacked);
    files.add(file);
    memory.hasNews = true;
    this.#unpacked = file;
    log.goesOnInArchive(file);
    return "found";
  }
}

/** What was read of a file was written before it was compressed. */
function isMadeBefore({ file }: FileStat, { known }: FollowedFile): boolean {
  const changedNs = known.verified?.mtimeNs;
  if (file.birthtimeNs === "0" || changedNs === undefined) return false;
  return isBornBefore(file, Number(changedNs) / 1e6);
}

/** @returns "other" when a compressed file does not hold what was read of another */
async function unpackedOf(
  { path, file: identity }: FileStat,
  { known, isNamed }: FollowedFile,
): Promise<Unpacked | "other" | { readonly problem: string }> {
  const { fingerprint } = known;
  // Less than a first line may well be in every file.
  if (!isNamed) return "other";
  let open: CompressedFile | undefined;
  try {
    open = await CompressedFile.open(path, identity);
    if (open === undefined) return { problem: "it was replaced" };
    const head = await readHead(open);
    const isSame = (await compare(fingerprint, head, open)) === "same";
    const unpacked = isSame || head.length < fingerprint.header.bytes ? await open.measure() : undefined;
    if (isSame) return unpacked!;
    return unpacked?.damage === undefined ? "other" : { problem: unpacked.damage };
  } catch (error) {
    return { problem: systemReason(error) };
  } finally {
    await open?.close();
  }
}
