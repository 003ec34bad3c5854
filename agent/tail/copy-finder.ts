import type { FollowedFile } from "./followed-file.ts";
import type { FollowedFiles } from "./followed-files.ts";
import { identityKey } from "./file-identity.ts";
import { findKin, mayBeKin } from "./kinship.ts";
import { sightRotated } from "./rotated-files.ts";
import type { Sighting } from "./sighting.ts";
import type { TailLog } from "./tail-log.ts";
import type { TailMemory } from "./tail-memory.ts";
import { verify } from "./verified-read.ts";

/** Whether a file holds what a followed one held; "unclear" when that cannot be told now. */
export type Kin = "kin" | "none" | "unclear";

/** Finds files that hold what another one held, and so are no sources of their own. */
export class CopyFinder {
  readonly #files: FollowedFiles;
  readonly #memory: TailMemory;
  readonly #log: TailLog;
  readonly #now: () => number;

  constructor(files: FollowedFiles, memory: TailMemory, log: TailLog, now: () => number) {
    this.#files = files;
    this.#memory = memory;
    this.#log = log;
    this.#now = now;
  }

  /** @param among those that it may be a copy of; by its name and age if absent */
  async kinOf(found: Sighting, among?: readonly FollowedFile[]): Promise<Kin> {
    const { copies } = this.#memory;
    const candidates = among ?? [...mayBeKin(found, this.#files)];
    const known = copies.find(found.file);
    const original = known && candidates.find(({ source }) => source.id === known.of);
    // Nothing is in it that is not delivered, or it has no other to tell.
    if (known && found.size <= (original ? Math.min(original.read, known.size) : known.size)) return "kin";
    // All that is in a copy was in them by now.
    for (const candidate of candidates) await this.#learnName(candidate);
    const kin = await findKin(found, candidates);
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

  async #learnName(file: FollowedFile): Promise<void> {
    if (file.isNamed || file.isCutOff) return;
    const wasOpen = file.isOpen;
    if ((await verify(file, this.#now())) === "learned") this.#memory.hasNews = true;
    if (!wasOpen && file.phase === "active") await file.place.close();
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
