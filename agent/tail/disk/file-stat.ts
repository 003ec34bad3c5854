import { type BigIntStats, statSync } from "node:fs";
import { lstat, stat } from "node:fs/promises";
import { type FileIdentity, identify } from "./file-identity.ts";

/** A file as it was found at a path. */
export interface FileStat {
  readonly path: string;
  readonly file: FileIdentity;
  readonly size: number;
  /** Decimal, like the numbers of its identity. */
  readonly mtimeNs: string;
  /** Hard links. */
  readonly names: number;
}

/** @returns undefined where there is no regular file */
export async function statFile(path: string): Promise<FileStat | undefined> {
  let found: BigIntStats;
  try {
    found = await stat(path, { bigint: true });
  } catch {
    // Missing, or in a directory that is closed to us: neither can be followed now.
    return undefined;
  }
  return found.isFile() ? fileStat(path, found) : undefined;
}

/** The same at once, for paths whose file system answers at once. */
export function statFileSync(path: string): FileStat | undefined {
  try {
    const found = statSync(path, { bigint: true, throwIfNoEntry: false });
    return found?.isFile() ? fileStat(path, found) : undefined;
  } catch {
    return undefined;
  }
}

export async function isLink(path: string): Promise<boolean> {
  return lstat(path).then(
    (found) => found.isSymbolicLink(),
    () => false,
  );
}

export function fileStat(path: string, stat: BigIntStats): FileStat {
  return {
    path,
    file: identify(stat),
    size: Number(stat.size),
    mtimeNs: `${stat.mtimeNs}`,
    names: Number(stat.nlink),
  };
}
