import type { BigIntStats } from "node:fs";
import { type FileHandle, open, stat } from "node:fs/promises";
import { type FileIdentity, identify, sameFile } from "./file-identity.ts";

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

/** @returns undefined when it is not there any more, or cannot be read */
export async function openSighted({
  path,
  file,
}: Pick<Sighting, "path" | "file">): Promise<FileHandle | undefined> {
  let handle: FileHandle | undefined;
  try {
    handle = await open(path);
    if (sameFile(identify(await handle.stat({ bigint: true })), file)) return handle;
  } catch {
    // Gone or closed to us: nothing of it can be read, and nothing be delivered twice.
  }
  await handle?.close();
  return undefined;
}
