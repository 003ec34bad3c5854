import type { BigIntStats } from "node:fs";
import { readdir, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { type FileIdentity, identify } from "./file-identity.ts";
import { isRotatedName } from "./rotated-name.ts";

/** A file as it was found at a path. */
export interface Sighting {
  readonly path: string;
  readonly file: FileIdentity;
  readonly size: number;
  /** Decimal, like the numbers of its identity. */
  readonly mtimeNs: string;
}

/** @returns undefined where there is no regular file */
export async function sight(path: string): Promise<Sighting | undefined> {
  let found: BigIntStats;
  try {
    found = await stat(path, { bigint: true });
  } catch {
    // Missing, or in a directory that is closed to us: neither can be followed now.
    return undefined;
  }
  return found.isFile() ? sighting(path, found) : undefined;
}

export function sighting(path: string, stat: BigIntStats): Sighting {
  return { path, file: identify(stat), size: Number(stat.size), mtimeNs: `${stat.mtimeNs}` };
}

/** The files beside `path` that look like what rotation made of earlier ones. */
export async function sightRotated(path: string): Promise<Sighting[]> {
  let names: string[];
  try {
    names = await readdir(dirname(path));
  } catch {
    return [];
  }
  const rotated = names.filter((name) => isRotatedName(name, basename(path)));
  const sightings = await Promise.all(rotated.map((name) => sight(join(dirname(path), name))));
  return sightings.filter((found) => found !== undefined);
}
