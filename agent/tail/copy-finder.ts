import { setImmediate } from "node:timers/promises";
import type { Copy } from "./copies.ts";
import type { FollowedFile } from "./followed-file.ts";
import type { FollowedFiles } from "./followed-files.ts";
import { identityKey } from "./file-identity.ts";
import { findKin, mayBeKin, namesakes } from "./kinship.ts";
import { PresentBytes } from "./present-bytes.ts";
import { sightRotated } from "./rotated-files.ts";
import type { Sighting } from "./sighting.ts";
import type { TailLog } from "./tail-log.ts";
import type { TailMemory } from "./tail-memory.ts";

/** Thousands of files take long: so often, others have their turn. */
const TURN_MS = 50;

/** Whether a file holds what a followed one held; "unclear" when that cannot be told now. */
export type Kin = "kin" | "none" | "unclear";

/** Finds files that hold what another one held, and so are no sources of their own. */
export class CopyFinder {
  readonly #files: FollowedFiles;
  readonly #memory: TailMemory;
  readonly #log: TailLog;
  readonly #now: () => number;
  #present: PresentBytes;
  #nextTurnMs = 0;

  constructor(files: FollowedFiles, memory: TailMemory, log: TailLog, now: () => number) {
    this.#files = files;
    this.#memory = memory;
    this.#log = log;
    this.#now = now;
    this.#present = this.#lookAgain();
  }

  /** Call when files were found: what their originals hold is to be known as it is after that. */
  startOver(): void {
    this.#present = this.#lookAgain();
  }

  #lookAgain(): PresentBytes {
    return new PresentBytes(this.#now, () => {
      this.#memory.hasNews = true;
    });
  }

  /** @param among those that it may be a copy of; by its name and age if absent */
  async kinOf(found: Sighting, among?: readonly FollowedFile[]): Promise<Kin> {
    const { copies } = this.#memory;
    await this.#giveTurn();
    const known = copies.find(found.file);
    if (known && this.#hasNoMore(found, known)) return "kin";
    const candidates = among ?? [...mayBeKin(found, this.#files)];
    // All that is in a copy was in them by now.
    for (const candidate of candidates) {
      if (!candidate.isNamed && !candidate.isCutOff) await this.#present.of(candidate);
    }
    const kin = await findKin(found, candidates, this.#present);
    if (kin === "unclear") return kin;
    if (kin === "none") {
      copies.delete(found.file);
      return kin;
    }
    this.#memory.hasNews = true;
    if (kin.relation === "copy") copies.add(found, kin.original);
    else await this.#rehome(kin.original, found);
    return "kin";
  }

  /** Nothing is in a copy that is not delivered, or that has another to tell of it. */
  #hasNoMore({ path, size }: Sighting, known: Copy): boolean {
    if (size > known.size) return false;
    for (const { source, read } of namesakes(path, this.#files))
      if (source.id === known.of) return size <= read;
    return true;
  }

  async #giveTurn(): Promise<void> {
    if (performance.now() < this.#nextTurnMs) return;
    await setImmediate();
    this.#nextTurnMs = performance.now() + TURN_MS;
  }

  async #rehome(file: FollowedFile, found: Sighting): Promise<void> {
    this.#files.delete(file);
    this.#memory.copies.delete(found.file);
    await file.rehome(found, this.#now());
    this.#files.add(file);
    this.#log.goesOnInCopy(file);
  }

  /**
   * What copytruncate copied before it truncated goes on in the copy, if there is one.
   *
   * @returns paths beside which a copy may be that could not be looked at
   */
  async ofTruncated(truncated: readonly FollowedFile[]): Promise<Set<string>> {
    const unsure = new Set<string>();
    if (truncated.length === 0) return unsure;
    const rotated = await sightRotated(truncated.map(({ source }) => source.path));
    this.startOver();
    for (const file of truncated) {
      for (const sighting of rotated.get(file.source.path)!) {
        if (this.#files.find(identityKey(sighting.file))) continue;
        if ((await this.kinOf(sighting, [file])) === "unclear") unsure.add(file.source.path);
      }
      if (file.size > file.read && this.#files.isTruncated(file)) this.#log.abandoned(file);
    }
    return unsure;
  }
}
