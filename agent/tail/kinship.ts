import { basename } from "node:path";
import { isBornAfter, sameFile } from "./file-identity.ts";
import { compare, isCopyOf } from "./fingerprint.ts";
import type { FollowedFile } from "./followed-file.ts";
import type { FollowedFiles } from "./followed-files.ts";
import { GUARD_BYTES } from "./guard.ts";
import { readHead } from "./header.ts";
import { sightRotated } from "./rotated-files.ts";
import { originalNames } from "./rotated-name.ts";
import { openSighted, type OpenFile } from "./open-file.ts";
import { type Sighting, sight } from "./sighting.ts";

/** A copy has its first bytes within this time. */
const COPY_BEGINS_MS = 10_000;

const LINE_FEED = 10;

/**
 * What a newly found file is to one that is followed. Successor: that one is gone or cut off, and goes on
 * in it. Copy: that one is there still, and has all that the copy has.
 */
export interface Kinship {
  readonly original: FollowedFile;
  readonly relation: "successor" | "copy";
}

/** Those of which a file may be a copy, by its name and its age; or which it may be, on a renumbered device. */
export function* mayBeKin(found: Sighting, files: FollowedFiles): Generator<FollowedFile> {
  for (const original of files.withInode(found.file)) {
    if (original.file.dev !== found.file.dev) yield original;
  }
  const name = basename(found.path);
  for (const original of files.named(name)) {
    if (original.source.path !== found.path && isOlder(original, found)) yield original;
  }
  for (const originalName of originalNames(name)) {
    for (const original of files.named(originalName)) if (isOlder(original, found)) yield original;
  }
}

function isOlder({ file }: FollowedFile, found: Sighting): boolean {
  return !isBornAfter(file, found.file);
}

/**
 * Finds the followed file whose bytes a newly found one begins with.
 *
 * @returns "gone" when the file is not where it was found any more, or may only have begun to be a copy,
 *   so that nothing can be told of it now
 */
export async function findKin(
  found: Sighting,
  candidates: readonly FollowedFile[],
): Promise<Kinship | "none" | "gone"> {
  if (candidates.length === 0) return "none";
  const file = await openSighted(found);
  if (file === undefined) {
    const here = await sight(found.path);
    // Closed to us: following it will say so.
    return here && sameFile(here.file, found.file) ? "none" : "gone";
  }
  try {
    const bytes = { file, head: await readHead(file) };
    if (bytes.head.length === 0 && Date.now() - Number(found.mtimeNs) / 1e6 < COPY_BEGINS_MS) return "gone";
    for (const original of candidates) {
      const relation = await relationOf(found, bytes, original);
      if (relation !== undefined) return { original, relation };
    }
    return "none";
  } catch {
    return "gone";
  } finally {
    await file.close();
  }
}

interface Bytes {
  readonly file: OpenFile;
  readonly head: Buffer;
}

async function relationOf(
  found: Sighting,
  bytes: Bytes,
  original: FollowedFile,
): Promise<Kinship["relation"] | undefined> {
  const { known, isCutOff, isNamed, phase, isOpen } = original;
  const { fingerprint } = known;
  // Less than a first line may well be in every file.
  if (!isNamed) return undefined;
  if ((await compare(fingerprint, bytes.head, bytes.file)) !== "same") {
    return isBegunCopy(found, bytes, original);
  }
  // A generation that was cut off is nowhere else any more.
  if (isCutOff) return found.size > original.read ? "successor" : "copy";
  // What is gone by its name but open is read to its end.
  if (phase === "rotated" && isOpen) return "copy";
  const here = await whereIs(original);
  if (here === undefined) return "successor";
  // It was cut off, which the next look will find: until then what is there counts as its own.
  if (!(await isCopyOf(fingerprint, here))) return "copy";
  // Renamed, and so not what a copy was made from; a file of the same beginning is one of its own.
  if (here.path !== original.source.path) return undefined;
  return found.size > here.size ? undefined : "copy";
}

/** It may have been renamed since it was last looked at. */
async function whereIs({ file, location, source }: FollowedFile): Promise<Sighting | undefined> {
  const here = await sight(location);
  if (here && sameFile(here.file, file)) return here;
  const rotated = (await sightRotated([source.path])).get(source.path);
  return rotated?.find((sighting) => sameFile(sighting.file, file));
}

/** A copy has less than was read of its original while it is being made. */
async function isBegunCopy(
  found: Sighting,
  { file: part, head }: Bytes,
  original: FollowedFile,
): Promise<"copy" | undefined> {
  const { location, source, isCutOff, read, file } = original;
  if (isCutOff || location !== source.path || found.size >= read) return undefined;
  // Less than a line may be the beginning of anything.
  if (!head.includes(LINE_FEED)) return undefined;
  const whole = await openSighted({ path: location, file });
  if (whole === undefined) return undefined;
  try {
    const end = guardAt(part, found.size);
    const isSame = head.equals((await readHead(whole)).subarray(0, head.length));
    return isSame && (await end).equals(await guardAt(whole, found.size)) ? "copy" : undefined;
  } finally {
    await whole.close();
  }
}

/** Bytes before an offset, as many as a guard has. */
async function guardAt(file: OpenFile, end: number): Promise<Buffer> {
  const guard = Buffer.alloc(Math.min(end, GUARD_BYTES));
  return guard.subarray(0, await file.readAt(guard, end - guard.length));
}
