import { readdir } from "node:fs/promises";
import { basename, dirname, join, parse } from "node:path";
import { identityKey, isBornAfter } from "../disk/file-identity.ts";
import { placesOf } from "../disk/rotated-files.ts";
import { isRotatedName } from "../disk/rotated-name.ts";
import { type FileStat, statFile } from "../disk/file-stat.ts";
import { formatOf } from "../disk/unpack.ts";

/** Directories to look into beside a file: `olddir` may name one, and hardly one of thousands. */
const MOST_DIRECTORIES = 100;

export interface Rotations {
  /** As they were written. */
  readonly plain: FileStat[];
  readonly compressed: FileStat[];
}

/** Directories that change without end are taken as they are. */
const MOST_LOOKS = 5;

/**
 * What rotation may have made of the file at a path: beside it, and in the directories there, compressed or
 * not, the oldest first. Looks until two looks agree: names may be shifted meanwhile.
 */
export async function findRotations(path: string): Promise<Rotations> {
  let found = await lookForRotations(path);
  for (let looks = 1; looks < MOST_LOOKS; looks++) {
    const again = await lookForRotations(path);
    const isSettled = namesOf(again) === namesOf(found);
    found = again;
    if (isSettled) break;
  }
  return found;
}

function namesOf({ plain, compressed }: Rotations): string {
  return [...plain, ...compressed].map(({ path, file }) => `${path}\0${identityKey(file)}`).join("\0");
}

/** Listing of directories, perhaps as they were a moment ago. */
export interface Listing {
  readonly names: (directory: string) => Promise<readonly string[]>;
  readonly directories: (directory: string) => Promise<readonly string[]>;
}

const AS_THEY_ARE: Listing = { names: namesIn, directories: directoriesIn };

/** The same by a single look, which misses a file whose name is shifted in that moment. */
export async function lookForRotations(path: string, listing = AS_THEY_ARE): Promise<Rotations> {
  const found: Rotations = { plain: [], compressed: [] };
  for (const place of await placesOf(path)) {
    const own = dirname(place);
    for (const directory of [own, ...(await listing.directories(own))]) {
      const names = await listing.names(directory);
      // It is another file's that has this name there.
      if (directory !== own && names.includes(basename(place))) continue;
      for (const name of names) {
        // Rotation changes no name's beginning, and there may be thousands of others.
        if (!name.startsWith(parse(place).name)) continue;
        const packed = formatOf(name);
        const original = packed ? name.slice(0, -packed.length) : name;
        const isRotation = isRotatedName(original, basename(place));
        if (!isRotation && !(packed && original === basename(place))) continue;
        const fileStat = await statFile(join(directory, name));
        if (fileStat) found[packed ? "compressed" : "plain"].push(fileStat);
      }
    }
  }
  const oldestFirst = (a: FileStat, b: FileStat): number => (isBornAfter(a.file, b.file) ? 1 : -1);
  found.plain.sort(oldestFirst);
  found.compressed.sort(oldestFirst);
  return found;
}

export async function directoriesIn(directory: string): Promise<string[]> {
  try {
    const entries = await readdir(directory, { withFileTypes: true });
    const directories = entries.filter((entry) => entry.isDirectory() || entry.isSymbolicLink());
    return directories.slice(0, MOST_DIRECTORIES).map(({ name }) => join(directory, name));
  } catch {
    return [];
  }
}

export async function namesIn(directory: string): Promise<string[]> {
  return readdir(directory).catch(() => []);
}
