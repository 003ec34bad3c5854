import { readdir, realpath } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { identityKey } from "./file-identity.ts";
import { originalNames } from "./rotated-name.ts";
import { isLink, type FileStat, statFile } from "./file-stat.ts";

/** A directory that changes without end is taken as it is. */
const MOST_LOOKS = 5;

/**
 * The files beside each path, and beside what it leads to, that look like what rotation made of earlier
 * ones. Each directory is listed once for all its paths, however many were rotated.
 */
export async function statRotated(paths: readonly string[]): Promise<Map<string, FileStat[]>> {
  const found = new Map<string, FileStat[]>(paths.map((path) => [path, []]));
  /** By directory and original name: the paths that ask for it. */
  const wanted = new Map<string, Map<string, string[]>>();
  for (const path of paths) {
    for (const place of await placesOf(path)) {
      const names = wanted.get(dirname(place)) ?? new Map<string, string[]>();
      wanted.set(dirname(place), names);
      names.set(basename(place), [...(names.get(basename(place)) ?? []), path]);
    }
  }
  for (const [directory, names] of wanted) {
    for (const fileStat of await sightSettled(directory, names)) {
      const asking = originalNames(basename(fileStat.path)).flatMap((original) => names.get(original) ?? []);
      for (const path of new Set(asking)) found.get(path)!.push(fileStat);
    }
  }
  return found;
}

/** A file behind a symbolic link is renamed where it is, not where the link is. */
export async function placesOf(path: string): Promise<string[]> {
  if (!(await isLink(path))) return [path];
  const target = await realpath(path).catch(() => path);
  return target === path ? [path] : [path, target];
}

/**
 * Looks until two looks agree: while one name after the other is shifted, a file may have none of the
 * names that are asked for, each in its moment.
 */
async function sightSettled(directory: string, originals: ReadonlyMap<string, unknown>): Promise<FileStat[]> {
  let found = await sightAll(directory, originals);
  for (let looks = 1; looks < MOST_LOOKS; looks++) {
    const again = await sightAll(directory, originals);
    const isSettled = again.length === found.length && again.every((one, i) => isSame(one, found[i]));
    found = again;
    if (isSettled) break;
  }
  return found;
}

function isSame(a: FileStat, b: FileStat | undefined): boolean {
  return b !== undefined && a.path === b.path && identityKey(a.file) === identityKey(b.file);
}

async function sightAll(directory: string, originals: ReadonlyMap<string, unknown>): Promise<FileStat[]> {
  let names: string[];
  try {
    names = await readdir(directory);
  } catch {
    return [];
  }
  const rotated = names.filter((name) => originalNames(name).some((original) => originals.has(original)));
  const stats = await Promise.all(rotated.map((name) => statFile(join(directory, name))));
  return stats.filter((found) => found !== undefined);
}
