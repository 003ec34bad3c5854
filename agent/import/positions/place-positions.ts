import { basename, dirname, join } from "node:path";
import { identityKey } from "../../tail/file-identity.ts";
import type { LineFeed } from "../../tail/line-feed.ts";
import { copiedNames } from "../../tail/rotated-name.ts";
import { findRotations } from "../../tail/rotation-search.ts";
import { sight } from "../../tail/sighting.ts";
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
  /** Whether a file beside it is no rotated one: an entry takes it by its own name. */
  readonly isOwn: (path: string) => boolean;
}

export interface Placed {
  readonly places: Place[];
  /** Rotated before: what the other agent was done with. */
  readonly earlier: Generation[];
  readonly notes: string[];
}

/**
 * Finds where the bytes are that each position was in. A file is known by its inode, unless it was made after the
 * position was written down. One that was copied and truncated since, or compressed, is found among what rotation
 * made of it: by the time of its last line, and by a line that ends where the position is. What came and was
 * rotated since is to be read from its beginning.
 */
export async function placePositions(of: PositionsOfPath): Promise<Placed> {
  const generations = await generationsAt(of.path);
  const search = new PlaceSearch(
    of,
    generations.filter(({ path }) => path === of.path || !of.isOwn(path)),
  );
  for (const position of latestOfEach(of.positions)) await search.byInode(position);
  await search.lost();
  await search.later();
  return search;
}

class PlaceSearch implements Placed {
  readonly places: Place[] = [];
  readonly earlier: Generation[] = [];
  readonly notes: string[] = [];
  readonly #of: PositionsOfPath;
  readonly #generations: Generation[];
  readonly #knownAtMs: number;
  /** Whose inode is nowhere. */
  readonly #lost: ForeignPosition[] = [];

  constructor(of: PositionsOfPath, generations: Generation[]) {
    this.#of = of;
    this.#generations = generations;
    this.#knownAtMs = Math.max(...of.positions.map(({ knownAtMs }) => knownAtMs));
  }

  async byInode(position: ForeignPosition): Promise<void> {
    const { path, ino, offset, isUnwatched, knownAtMs } = position;
    if (ino === "0") return;
    const found = this.#generations.find(
      (one) => one.sighting.file.ino === ino && !one.isCompressed && !one.isBornAfter(knownAtMs),
    );
    if (isUnwatched) {
      if (found)
        this.notes.push(`${path}: the other agent had stopped following it; ${fromBeginning(found)}`);
      return;
    }
    if (found === undefined) this.#lost.push(position);
    else if (!(await this.#inCopy(found, position))) {
      if (offset <= found.sighting.size) this.#place(found, offset, moved(found, path));
      else
        this.#place(
          found,
          0,
          `it has ${found.sighting.size} bytes, and was read up to ${offset}: ${WRITTEN_ANEW}`,
        );
    }
  }

  /** What copytruncate made since: the position is in the copy, and the file has begun anew. */
  async #inCopy(found: Generation, { offset, knownAtMs }: ForeignPosition): Promise<boolean> {
    const isShort = found.sighting.size < offset;
    for (const copy of this.#since(knownAtMs)) {
      if (copy === found || !(await this.#mayHold(copy, offset))) continue;
      if (!isShort && (found.sighting.size === 0 || (await found.beginsLike(copy)))) continue;
      this.#place(copy, offset, `${found.path} was copied to it and truncated since`);
      this.#place(found, 0, "truncated since");
      return true;
    }
    return false;
  }

  /** Looks for what is not there under its inode: compressed, or copied and removed. An older one was done with. */
  async lost(): Promise<void> {
    for (const { path, offset, knownAtMs } of this.#lost) {
      if (offset === 0 || knownAtMs < this.#knownAtMs) continue;
      const latestBefore = this.#rotated().findLast((one) => !one.isChangedAfter(knownAtMs));
      const candidates = [...(latestBefore ? [latestBefore] : []), ...this.#since(knownAtMs)];
      let found: Generation | undefined;
      for (const one of candidates)
        if ((found ??= (await this.#mayHold(one, offset)) ? one : undefined)) break;
      if (found)
        this.#place(found, offset, `taken for what ${path} was, by its times and a line that ends there`);
      else
        this.notes.push(
          `${path}: read up to byte ${offset}, and not found any more: what came after it is unknown`,
        );
    }
  }

  /** What was rotated since has not been read at all. */
  async later(): Promise<void> {
    const changes = this.places
      .filter(({ offset }) => offset > 0)
      .map(({ generation }) => generation.changedAtMs);
    const afterMs = Math.min(this.#knownAtMs, ...changes);
    for (const one of this.#rotated()) {
      if (this.#isPlaced(one)) continue;
      if (one.isChangedAfter(afterMs)) this.#place(one, 0, "rotated since, and not read yet");
      else this.earlier.push(one);
    }
  }

  /** Rotated files that were written since, the first first. */
  #since(timeMs: number): Generation[] {
    return this.#rotated().filter((one) => !this.#isPlaced(one) && one.isChangedAfter(timeMs));
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

const WRITTEN_ANEW = "written anew since, so from its beginning";

function fromBeginning({ path }: Generation): string {
  return `${path} is read from its beginning if an entry takes it: exclude it if it was sent`;
}

function moved({ path }: Generation, before: string): string | undefined {
  return path === before ? undefined : `was ${before}`;
}

/** As the other agent would have it: the last that was written down of an inode. */
function latestOfEach(positions: readonly ForeignPosition[]): ForeignPosition[] {
  return [...new Map(positions.map((position) => [position.ino, position])).values()];
}

/** Those there are, in the order in which they were written last. */
async function generationsAt(path: string): Promise<Generation[]> {
  const own = await sight(path);
  const { plain, compressed } = await findRotations(path);
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
