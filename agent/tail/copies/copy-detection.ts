import { basename } from "node:path";
import { isBornAfter, sameFile } from "../disk/file-identity.ts";
import { whereIs } from "../files/file-record.ts";
import { compare, isCopyOf } from "../fingerprint/fingerprint.ts";
import type { FollowedFile } from "../files/followed-file.ts";
import type { FollowedFiles } from "../files/followed-files.ts";
import { LAST_BYTES } from "../fingerprint/last-bytes.ts";
import { Beginning, firstLine, readHead } from "../fingerprint/head-fingerprint.ts";
import { isOldDirectory, isMadeBefore, wasMoved } from "./rotation-evidence.ts";
import type { PresentBytes } from "./present-bytes.ts";
import { hasRested } from "./pending-copies.ts";
import { copiedNames } from "../disk/rotated-name.ts";
import { openAsFound, type OpenFile } from "../disk/open-file.ts";
import { type FileStat, statFile } from "../disk/file-stat.ts";

/**
 * What a newly found file is to one that is followed. Successor: that one is gone or cut off, and goes on
 * in it. Copy: all that it has was read of that one. Begun: it has nothing but what that one has, and may be
 * a copy after which the original is truncated.
 */
export interface CopyMatch {
  readonly original: FollowedFile;
  readonly relation: "successor" | "copy" | "begun";
}

/**
 * Those of which a file may be a copy: by a name that rotation gives, and its age; by the time of its last
 * change, which moving it to another file system keeps; or which it may be, on a renumbered device.
 */
export async function copyCandidates(found: FileStat, files: FollowedFiles): Promise<Set<FollowedFile>> {
  const match = new Set<FollowedFile>();
  for (const original of files.withInode(found.file)) {
    if (original.file.dev !== found.file.dev) match.add(original);
  }
  const name = basename(found.path);
  for (const originalName of copiedNames(name)) {
    const isOld = await isOldDirectory(found.path, originalName, files);
    for (const original of files.named(originalName)) {
      if (isOld(original) && !isBornAfter(original.file, found.file)) match.add(original);
    }
  }
  for (const original of files.named(name)) {
    if (original.source.path !== found.path && !isBornAfter(original.file, found.file)) match.add(original);
  }
  return match;
}

/**
 * Finds the followed file whose bytes a newly found one begins with.
 *
 * @param isKnownCopyOf whether it was found to be a copy of one before
 * @returns "unclear" when nothing can be told of it now: it is not where it was found any more, may only
 *   have begun to be a copy, or one that it may be a copy of is to be looked at first
 */
export async function detectCopy(
  found: FileStat,
  candidates: readonly FollowedFile[],
  present: PresentBytes,
  isKnownCopyOf: (original: FollowedFile) => boolean,
): Promise<CopyMatch | "none" | "unclear"> {
  if (candidates.length === 0) return "none";
  const file = await openAsFound(found);
  if (file === undefined) {
    const here = await statFile(found.path);
    // Closed to us: following it will say so.
    return here && sameFile(here.file, found.file) ? "none" : "unclear";
  }
  try {
    const bytes = { file, head: await readHead(file) };
    const isAsFound = !(await hasChanged(file, found));
    if (bytes.head.length === 0) return isAsFound && hasRested(found) ? "none" : "unclear";
    const beginning = new Beginning(bytes.head);
    let unclear: CopyMatch | "unclear" | undefined;
    for (const original of candidates) {
      if (isAsFound && (await isStranger(beginning, original, present))) continue;
      const relation = await relationOf(found, bytes, original, isKnownCopyOf(original));
      if (relation === "unclear") unclear ??= relation;
      else if (relation === "begun") unclear = { original, relation };
      else if (relation !== undefined) return { original, relation };
    }
    return unclear ?? "none";
  } catch {
    return "unclear";
  } finally {
    await file.close();
  }
}

/**
 * Tells most of those that a file has nothing of, at little cost: there may be thousands of one name.
 *
 * @param beginning of a file that is as it was found, before the original's bytes were compared
 */
async function isStranger(
  beginning: Beginning,
  original: FollowedFile,
  present: PresentBytes,
): Promise<boolean> {
  const { known, isCutOff, isNamed, phase, size } = original;
  const isLike = known.mayBegin(beginning);
  if (isLike && (isNamed || beginning.head.length <= size)) return false;
  if (isCutOff || phase !== "active") return true;
  const holds = await present.of(original);
  return holds === "gone" || holds === "same" || (holds === "grown" && !isLike);
}

interface Bytes {
  readonly file: OpenFile;
  readonly head: Buffer;
}

async function relationOf(
  found: FileStat,
  bytes: Bytes,
  original: FollowedFile,
  isKnownCopy: boolean,
): Promise<CopyMatch["relation"] | "unclear" | undefined> {
  const { known, isCutOff, isNamed, phase, isOpen, source } = original;
  const { fingerprint } = known;
  // Less than a first line may well be in every file.
  if (!isNamed || (await compare(fingerprint, bytes.head, bytes.file)) !== "same") {
    return begunCopyOf(found, bytes, original);
  }
  // A generation that was cut off is nowhere else any more.
  if (isCutOff) {
    if (!isKnownCopy && !isMadeBefore(found, original)) return undefined;
    return found.size > original.read ? "successor" : "copy";
  }
  const here = await whereIs(original);
  if (here === undefined) {
    if (!isKnownCopy && !(await wasMoved(original, found))) return undefined;
    // What is gone by its name but open is read to its end.
    return phase === "rotated" && isOpen ? "copy" : "successor";
  }
  if (!isRotation(found, original)) return undefined;
  // It was cut off, which the next look will find.
  if (!(await isCopyOf(fingerprint, here))) return "unclear";
  // Renamed, and so not what a copy was made from; a file of the same beginning is one of its own.
  return here.path !== source.path || found.size > here.size ? undefined : "begun";
}

/** Only a rotation copies a file beside its original, which is truncated then. */
function isRotation({ path }: FileStat, { source }: FollowedFile): boolean {
  return copiedNames(basename(path)).includes(basename(source.path));
}

/**
 * A copy has less than is known of its original while it is being made: it is compared with what that holds
 * now. Where that is not what is known any more, the original is to be looked at before its copy is told.
 */
async function begunCopyOf(
  found: FileStat,
  { file: part, head }: Bytes,
  original: FollowedFile,
): Promise<"begun" | "unclear" | undefined> {
  const { location, file, isCutOff, isNamed, known, phase, reading } = original;
  if (isCutOff || phase !== "active" || !isRotation(found, original)) return undefined;
  const whole = await openAsFound({ path: location, file });
  if (whole === undefined) return (await hasChanged(part, found)) ? "unclear" : undefined;
  try {
    const end = await lastBytesAt(whole, found.size);
    const wholeHead = await readHead(whole);
    const isKnown = !isNamed || (await compare(known.fingerprint, wholeHead, whole)) !== "other";
    const isBegun = head.equals(wholeHead.subarray(0, head.length));
    const isPart = isBegun && end.equals(await lastBytesAt(part, found.size));
    if (!isKnown) return isPart || (await hasChanged(part, found)) ? "unclear" : undefined;
    if (!isPart) return undefined;
    // Less than a line may be the beginning of anything.
    if (isNamed && firstLine(head, reading.filter.framing.maxLineBytes) !== undefined) return "begun";
    return hasRested(found) ? undefined : "unclear";
  } finally {
    await whole.close();
  }
}

/** It may be whole by now, and its original cut off. */
async function hasChanged(part: OpenFile, found: FileStat): Promise<boolean> {
  const { size, mtimeNs } = await part.stat(found.path);
  return size !== found.size || mtimeNs !== found.mtimeNs;
}

/** Bytes before an offset, as many as are kept of what was read last. */
async function lastBytesAt(file: OpenFile, end: number): Promise<Buffer> {
  const guard = Buffer.alloc(Math.min(end, LAST_BYTES));
  return guard.subarray(0, await file.readAt(guard, end - guard.length));
}
