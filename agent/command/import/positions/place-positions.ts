import { basename, dirname, join } from "node:path";
import { CLOCK_TICK_MS, identityKey } from "../../../tail/disk/file-identity.ts";
import type { LineFeed } from "../../../framing/line-feed.ts";
import { copiedNames } from "../../../tail/disk/rotated-name.ts";
import type { Rotations } from "../../../tail/discovery/rotation-search.ts";
import { statFile } from "../../../tail/disk/file-stat.ts";
import type { ForeignPosition } from "./foreign-position.ts";
import { Generation } from "./generation.ts";

/** A file, and the offset from which on nobody has read it. */
export interface Place {
  readonly generation: Generation;
  readonly offset: number;
  /** What to tell of it, where its position is not simply where it was. */
  readonly note: string | undefined;
}

/** Positions of one path, and of what was rotated from it. */
export interface PositionsOfPath {
  readonly path: string;
  readonly positions: readonly ForeignPosition[];
  readonly lineFeed: LineFeed;
  readonly rotations: Rotations;
  /** Whether an entry takes a path. */
  readonly takes: (path: string) => boolean;
  /** Whether a file beside it is no rotated one: an entry takes it by its own name. */
  readonly isOwn: (path: string) => boolean;
}

export interface Placed {
  /** A position's inode is nowhere. */
  readonly hasLost: boolean;
  readonly places: Place[];
  /** Rotated before: what the other agent was done with. */
  readonly earlier: Generation[];
  readonly notes: string[];
}

/**
 * Finds where the bytes are that each position was in. A file is known by its inode, unless it was made after the
 * position was written down. One that was copied and truncated since, or compressed, is found among what rotation
 * has made since: by the time of its last line, and by a line that ends where the position is. What came and was
 * rotated since is to be read from its beginning.
 */
export async function placePositions(of: PositionsOfPath): Promise<Placed> {
  const generations = await generationsAt(of);
  const search = new PlaceSearch(
    of,
    generations.filter(({ path }) => path === of.path || !of.isOwn(path)),
  );
  for (const position of latestOfEach(of.positions)) await search.byInode(position);
  await search.lost();
  search.later();
  return search;
}

class PlaceSearch implements Placed {
  readonly places: Place[] = [];
  readonly earlier: Generation[] = [];
  readonly notes: string[] = [];
  readonly #of: PositionsOfPath;
  readonly #generations: Generation[];
  readonly #knownAtMs: number;
  /** Positions whose inode is nowhere. */
  readonly #lost: ForeignPosition[] = [];

  constructor(of: PositionsOfPath, generations: Generation[]) {
    this.#of = of;
    this.#generations = generations;
    this.#knownAtMs = Math.max(...of.positions.map(({ knownAtMs }) => knownAtMs));
  }

  get hasLost(): boolean {
    return this.#lost.length > 0;
  }

  async byInode(position: ForeignPosition): Promise<void> {
    const { path, ino, offset, isUnwatched, knownAtMs } = position;
    if (ino === "0") return;
    const found = this.#generations.find(
      (one) => one.fileStat.file.ino === ino && !one.isCompressed && !one.isBornAfter(knownAtMs),
    );
    if (isUnwatched) {
      // One that was rotated was read to its end before.
      if (found?.path === this.#of.path) this.notes.push(`${path}: ${DROPPED}`);
      return;
    }
    if (found === undefined) this.#lost.push(position);
    else if (!(await this.#inCopy(found, position))) {
      const { size } = found.fileStat;
      if (offset <= size) this.#place(found, offset, moved(found, path));
      else this.#place(found, 0, `it has ${size} bytes, and was read up to ${offset}: ${WRITTEN_ANEW}`);
    }
  }

  /** What copytruncate made since: the position is in the copy, and the file, still in its place, has begun anew. */
  async #inCopy(found: Generation, { offset, knownAtMs }: ForeignPosition): Promise<boolean> {
    if (found.path !== this.#of.path) return false;
    const isShort = found.fileStat.size < offset;
    for (const copy of this.#madeSince(knownAtMs)) {
      if (!copy.isChangedAfter(knownAtMs) || !(await this.#mayHold(copy, offset))) continue;
      if (!isShort && (found.fileStat.size === 0 || (await found.beginsLike(copy)))) continue;
      this.#place(copy, offset, `${found.path} was copied to it and truncated since`);
      this.#place(found, 0, "truncated since");
      return true;
    }
    return false;
  }

  /** Looks for what is not there under its inode: compressed, or copied and removed. An older one was done with. */
  async lost(): Promise<void> {
    for (const position of this.#lost) {
      const { path, offset, knownAtMs } = position;
      if (knownAtMs < this.#knownAtMs) continue;
      const found = await this.#madeOf(position);
      if (found)
        this.#place(found, offset, `taken for what ${path} was: its times fit, and a line ends there`);
      else this.notes.push(`${path}: read up to byte ${offset}, and ${GONE}`);
    }
  }

  /**
   * What was made of it since: of those that were written to since the first, unless there is one that was not, and may
   * hold what was read. That may as well be the generation before it, where rotation compresses a file the next time only;
   * in doubt it is read again. There is no doubt where two were not written to, or where that way of rotating shows.
   */
  async #madeOf({ offset, knownAtMs, changedAtMs = 0 }: ForeignPosition): Promise<Generation | undefined> {
    const made = this.#madeSince(knownAtMs).filter((one) => one.isChangedAfter(changedAtMs - CLOCK_TICK_MS));
    const quiet = made.filter((one) => !one.isChangedAfter(knownAtMs));
    const written = made.filter((one) => one.isChangedAfter(knownAtMs));
    const isBefore = quiet.length === 1 && this.#isCompressedLate(knownAtMs);
    for (const one of isBefore ? [...written, ...quiet] : [...quiet.slice(-1), ...written]) {
      if (await this.#mayHold(one, offset)) return one;
    }
    return undefined;
  }

  /** The file that was rotated last is plain, and there were compressed ones before. */
  #isCompressedLate(knownAtMs: number): boolean {
    const rotated = this.#rotated();
    const had = rotated.some((one) => one.isCompressed && one.hasBirthTime && !one.isBornAfter(knownAtMs));
    return had && rotated.at(-1)?.isCompressed === false;
  }

  /** What was made or rotated since has not been read at all. An entry finds what it takes, if it is not rotated first. */
  later(): void {
    const changes = this.places
      .filter(({ offset }) => offset > 0)
      .map(({ generation }) => generation.changedAtMs);
    const afterMs = Math.min(this.#knownAtMs, ...changes);
    const isInOrder = this.#of.positions.every((position) => position.isInOrder);
    for (const one of this.#generations) {
      if (this.#isPlaced(one)) continue;
      const isTaken = this.#of.takes(one.path);
      if (one.path === this.#of.path) {
        if (one.isBornAfter(this.#knownAtMs)) this.#place(one, 0, "made since");
      } else if (!one.isChangedAfter(afterMs)) {
        if (!isTaken || isInOrder) this.earlier.push(one);
      } else if (!isTaken) this.#place(one, 0, "rotated since, and not read yet");
    }
  }

  /** Rotated files that were not there then: compressed or copied since. What was read is in no other. */
  #madeSince(timeMs: number): Generation[] {
    return this.#rotated().filter(
      (one) => !this.#isPlaced(one) && (one.isBornAfter(timeMs) || !one.hasBirthTime),
    );
  }

  #rotated(): Generation[] {
    return this.#generations.filter(({ path }) => path !== this.#of.path);
  }

  async #mayHold(one: Generation, offset: number): Promise<boolean> {
    try {
      return await one.mayHold(offset, this.#of.lineFeed);
    } catch {
      // Taking its place will tell, if nothing else does.
      return false;
    }
  }

  #isPlaced(one: Generation): boolean {
    return this.places.some(({ generation }) => generation === one);
  }

  #place(generation: Generation, offset: number, note: string | undefined): void {
    if (!this.#isPlaced(generation)) this.places.push({ generation, offset, note });
  }
}

const DROPPED =
  "the other agent had stopped following it and kept no position, so from its beginning; exclude it if it was sent";

const GONE = "it is not found any more: what came after that is unknown";

const WRITTEN_ANEW = "written anew since, so from its beginning";

function moved({ path }: Generation, before: string): string | undefined {
  return path === before ? undefined : `was ${before}`;
}

/** Positions as the other agent would have them: the last that was written down of each inode. */
function latestOfEach(positions: readonly ForeignPosition[]): ForeignPosition[] {
  return [...new Map(positions.map((position) => [position.ino, position])).values()];
}

/** Those there are, in the order in which they were written last. */
async function generationsAt({ path, rotations }: PositionsOfPath): Promise<Generation[]> {
  const own = await statFile(path);
  const { plain, compressed } = rotations;
  const all = [...(own ? [own] : []), ...plain, ...compressed];
  const unique = new Map(all.toReversed().map((found) => [identityKey(found.file), found]));
  return [...unique.values()]
    .map((found) => new Generation(found))
    .sort((a, b) => a.changedAtMs - b.changedAtMs);
}

/** The path that a rotated name was made of, if anything else says that it was. */
export function originalOf(path: string, isKnown: (path: string) => boolean): string {
  const originals = copiedNames(basename(path)).map((name) => join(dirname(path), name));
  return originals.find(isKnown) ?? path;
}
