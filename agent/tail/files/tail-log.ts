import type { Logger } from "pino";
import { misnamedText } from "./file-rule.ts";
import type { FollowedFile } from "./followed-file.ts";
import type { Refusal } from "../disk/file-access.ts";
import type { FileStat } from "../disk/file-stat.ts";

/** What became of files since the start. */
export interface TailCounts {
  found: number;
  rotated: number;
  truncated: number;
  lost: number;
  /** Not read, as all that they hold was read of others. */
  copies: number;
  /** Matches that are not read at present: for a link, or an owner. */
  left: number;
  /** Truncated before they were read. */
  abandonedBytes: number;
  /** Compressed before they were read. */
  unpacked: number;
}

/** Tells, in the log and in counts, what becomes of files. */
export class TailLog {
  readonly counts: TailCounts = {
    found: 0,
    rotated: 0,
    truncated: 0,
    lost: 0,
    copies: 0,
    left: 0,
    abandonedBytes: 0,
    unpacked: 0,
  };
  readonly #log: Logger;
  /** Not told of yet, or not by their id. */
  readonly #found = new Map<FollowedFile, { readonly offset: number; isTold: boolean }>();

  #misnamed: ReadonlySet<string> = new Set<string>();
  /** Why files that match were not read at the last search, by path: only what is new is logged. */
  #left = new Map<string, string>();

  constructor(log: Logger) {
    this.#log = log;
  }

  /** Told once its id is that of its rows, or there is nothing yet that could have one. */
  following(file: FollowedFile): void {
    this.counts.found++;
    this.#found.set(file, { offset: file.read, isTold: false });
  }

  /** @param before what was read at its path until then */
  repeats(file: FollowedFile, before: FollowedFile): void {
    const where = { ...whose(file), before: before.source.id, bytes: before.read };
    this.#log.warn(where, "begins with all that was read of the file it replaces: that is sent again");
  }

  /** Call now and then. @param isAllRead no more is known of any file for now */
  tellFound(isAllRead: boolean): void {
    for (const [file, found] of this.#found) {
      const { isNamed, isOver, location, tag } = file;
      if (isNamed || isOver) this.#found.delete(file);
      else if (!isAllRead || found.isTold) continue;
      found.isTold = true;
      this.#log.info({ ...whose(file), location, tag, offset: found.offset }, "following");
    }
  }

  /** What cannot be read by its name is told once. */
  misnamed(paths: ReadonlySet<string>): void {
    for (const path of paths) if (!this.#misnamed.has(path)) this.#log.error({ path }, misnamedText(path));
    this.#misnamed = paths;
  }

  rotated(file: FollowedFile): void {
    this.counts.rotated++;
    this.#log.info({ ...whose(file), location: file.location }, "rotated");
  }

  goesOnInCopy(file: FollowedFile): void {
    this.#log.info({ ...whose(file), location: file.location, offset: file.read }, "goes on in a copy");
  }

  isCopy(original: FollowedFile, { path, size }: FileStat): void {
    const { source, path: of } = whose(original);
    this.counts.copies++;
    this.#log.info(
      { path, bytes: size, source, original: of, read: original.read },
      "taken for a copy of what was read: it is not read",
    );
  }

  /** @param left of this search */
  leaves(left: ReadonlyMap<string, Refusal>): void {
    this.counts.left = left.size;
    const told = new Map<string, string>();
    for (const [path, { reason, detail }] of left) {
      told.set(path, detail);
      if (this.#left.get(path) !== detail) this.#log.warn({ path, reason }, `left: ${detail}`);
    }
    this.#left = told;
  }

  lost(file: FollowedFile): void {
    this.counts.lost++;
    this.#log.error({ ...whose(file), offset: file.read }, file.error);
  }

  truncated(file: FollowedFile, next: FollowedFile): void {
    this.counts.truncated++;
    this.#log.info(whose(file), "truncated");
    this.#found.set(next, { offset: 0, isTold: false });
  }

  goesOnInArchive(file: FollowedFile): void {
    const { location, read, size, place } = file;
    this.counts.unpacked++;
    const where = { ...whose(file), location, offset: read, bytes: size };
    this.#log.info(where, "goes on in what was compressed");
    const damage = place.unpacked?.damage;
    if (damage !== undefined) this.#log.error(where, `the compressed file is damaged: ${damage}`);
  }

  unknownArchive(path: string, bytes: number): void {
    const message = "rotated and compressed while no agent ran, and not known: it is not read";
    this.#log.warn({ path, bytes }, message);
  }

  /** @param lost bytes that cannot be unpacked */
  damaged(file: FollowedFile, lost: number, why: string): void {
    this.counts.abandonedBytes += lost;
    this.#log.error({ ...whose(file), lost }, why);
  }

  /** Nobody has the bytes of it that were not read. @param lost of them that are known of */
  abandoned(file: FollowedFile, lost: number, problem: string | undefined): void {
    this.counts.abandonedBytes += lost;
    const where = { ...whose(file), offset: file.read - lost, problem };
    if (lost > 0) this.#log.error({ ...where, lost }, "truncated before all was read");
    else this.#log.warn(where, "truncated, and no copy is found: what was written last may be lost");
  }
}

/** What a file is told as: by the id that its rows have, as soon as it has one. */
export function whose({ source, isNamed }: FollowedFile): {
  readonly source?: string;
  readonly path: string;
} {
  return isNamed ? { source: source.id, path: source.path } : { path: source.path };
}
