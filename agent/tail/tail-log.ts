import type { Logger } from "pino";
import type { FollowedFile } from "./followed-file.ts";
import type { Sighting } from "./sighting.ts";

/** What became of files since the start. */
export interface TailCounts {
  found: number;
  rotated: number;
  truncated: number;
  lost: number;
  /** Not read, as all that they hold was read of others. */
  copies: number;
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
    abandonedBytes: 0,
    unpacked: 0,
  };
  readonly #log: Logger;

  constructor(log: Logger) {
    this.#log = log;
  }

  following({ source, location, tag, read }: FollowedFile): void {
    this.counts.found++;
    this.#log.info({ source: source.id, path: source.path, location, tag, offset: read }, "following");
  }

  /** @param before what was read at its path until then */
  repeats({ source }: FollowedFile, before: FollowedFile): void {
    const where = { source: source.id, path: source.path, before: before.source.id, bytes: before.read };
    this.#log.warn(where, "begins with all that was read of the file it replaces: that is sent again");
  }

  rotated({ source, location }: FollowedFile): void {
    this.counts.rotated++;
    this.#log.info({ source: source.id, path: source.path, location }, "rotated");
  }

  goesOnInCopy({ source, location, read }: FollowedFile): void {
    const where = { source: source.id, path: source.path, location, offset: read };
    this.#log.info(where, "goes on in a copy");
  }

  isCopy({ source, read }: FollowedFile, { path, size }: Sighting): void {
    this.counts.copies++;
    this.#log.info(
      { path, bytes: size, source: source.id, original: source.path, read },
      "taken for a copy of what was read: it is not read",
    );
  }

  lost({ source, read, error }: FollowedFile): void {
    this.counts.lost++;
    this.#log.error({ source: source.id, path: source.path, offset: read }, error);
  }

  truncated({ source }: FollowedFile, next: FollowedFile): void {
    this.counts.truncated++;
    this.#log.info({ source: source.id, path: source.path, next: next.source.id }, "truncated");
  }

  goesOnInArchive({ source, location, read, size, place }: FollowedFile): void {
    this.counts.unpacked++;
    const where = { source: source.id, path: source.path, location, offset: read, bytes: size };
    this.#log.info(where, "goes on in what was compressed");
    const damage = place.unpacked?.damage;
    if (damage !== undefined) this.#log.error(where, `the compressed file is damaged: ${damage}`);
  }

  unknownArchive(path: string, bytes: number): void {
    const message = "rotated and compressed while no agent ran, and not known: it is not read";
    this.#log.warn({ path, bytes }, message);
  }

  /** @param lost bytes that cannot be unpacked */
  damaged({ source }: FollowedFile, lost: number, why: string): void {
    this.counts.abandonedBytes += lost;
    this.#log.error({ source: source.id, path: source.path, lost }, why);
  }

  /** Nobody has the bytes of it that were not read. @param lost of them that are known of */
  abandoned({ source, read }: FollowedFile, lost: number, problem: string | undefined): void {
    this.counts.abandonedBytes += lost;
    const where = { source: source.id, path: source.path, offset: read - lost, problem };
    if (lost > 0) this.#log.error({ ...where, lost }, "truncated before all was read");
    else this.#log.warn(where, "truncated, and no copy is found: what was written last may be lost");
  }
}
