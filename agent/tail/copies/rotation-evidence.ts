import { basename, dirname, join } from "node:path";
import { CLOCK_TICK_MS, inodeKey, sameFile } from "../disk/file-identity.ts";
import type { Verified } from "../fingerprint/fingerprint.ts";
import type { FollowedFile } from "../files/followed-file.ts";
import type { FollowedFiles } from "../files/followed-files.ts";
import { isAppendedMark } from "../disk/rotated-name.ts";
import { type FileStat, statFile } from "../disk/file-stat.ts";

/*
 * What speaks for a file being a copy of another, besides its bytes. Two files may hold the same bytes and be
 * two files: without any of this, one that looks like another is delivered.
 */

const NS_PER_SECOND = 1_000_000_000n;

/**
 * Whether rotation may have put a file where it is: beside its original, or into a directory in which no
 * file has the original's name, as `olddir` has it.
 *
 * @returns a test of the originals of that name
 */
export async function isOldDirectory(
  path: string,
  originalName: string,
  files: FollowedFiles,
): Promise<(original: FollowedFile) => boolean> {
  const directory = dirname(path);
  const own = join(directory, originalName);
  const atOwn = await statFile(own);
  const isOld = atOwn === undefined && files.latestAt(own) === undefined;
  return ({ source, file }) =>
    isOld || dirname(source.path) === directory || (atOwn !== undefined && sameFile(atOwn.file, file));
}

/** False for a file that was made after its original was found to be cut off, or gone. */
export function isMadeBefore({ file }: FileStat, { missedAtMs = Infinity }: FollowedFile): boolean {
  return Number(file.birthtimeNs) / 1e6 <= missedAtMs + CLOCK_TICK_MS;
}

/** Whether a file that is not found any more went on in one that begins with all that was read of it. */
export async function wasMoved(original: FollowedFile, found: FileStat): Promise<boolean> {
  if (isRenumbered(original, found)) return true;
  if (isSameChange(await lastChange(original), found)) return true;
  // Its going was watched, and the copy was made before.
  const { looked, source } = original;
  const isBeside = dirname(found.path) === dirname(source.path);
  const isRotation = isBeside && isAppendedMark(basename(found.path), basename(source.path));
  return looked !== undefined && isRotation && isMadeBefore(found, original);
}

/** Its device has another number since the last boot. Without a birth time, an inode alone may be another file's. */
function isRenumbered({ file, location }: FollowedFile, found: FileStat): boolean {
  if (inodeKey(file) !== inodeKey(found.file)) return false;
  return file.birthtimeNs !== "0" || location === found.path;
}

/** Moving a file to another file system keeps the time of its last change. A whole second may have been set. */
function isSameChange(last: Verified | undefined, { size, mtimeNs }: FileStat): boolean {
  return last?.mtimeNs === mtimeNs && last.size === size && BigInt(mtimeNs) % NS_PER_SECOND !== 0n;
}

async function lastChange({ isOpen, place, looked, known }: FollowedFile): Promise<Verified | undefined> {
  const held = isOpen ? await place.atHandle().catch(() => undefined) : undefined;
  return held ?? looked ?? known.verified;
}
