import { basename } from "node:path";
import { isBornAfter, sameFile } from "./file-identity.ts";
import type { FileRecord } from "./file-record.ts";
import { compare, isCopyOf } from "./fingerprint.ts";
import type { FollowedFile } from "./followed-file.ts";
import type { FollowedFiles } from "./followed-files.ts";
import { GUARD_BYTES } from "./guard.ts";
import { Beginning, firstLine, readHead } from "./header.ts";
import { sightRotated } from "./rotated-files.ts";
import type { PresentBytes } from "./present-bytes.ts";
import { originalNames } from "./rotated-name.ts";
import { openSighted, type OpenFile } from "./open-file.ts";
import { type Sighting, sight } from "./sighting.ts";

/** What is to be a copy does not stay less than a line for so long. */
const COPY_BEGINS_MS = 10_000;

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
  for (const original of namesakes(found.path, files)) {
    if (!isBornAfter(original.file, found.file)) yield original;
  }
}

/** Those of which a file may be a copy, by its name. */
export function* namesakes(path: string, files: FollowedFiles): Generator<FollowedFile> {
  const name = basename(path);
  for (const original of files.named(name)) if (original.source.path !== path) yield original;
  for (const originalName of originalNames(name)) yield* files.named(originalName);
}

/**
 * Finds the followed file whose bytes a newly found one begins with.
 *
 * @returns "unclear" when nothing can be told of it now: it is not where it was found any more, may only
 *   have begun to be a copy, or one that it may be a copy of is to be looked at first
 */
export async function findKin(
  found: Sighting,
  candidates: readonly FollowedFile[],
  present: PresentBytes,
): Promise<Kinship | "none" | "unclear"> {
  if (candidates.length === 0) return "none";
  const file = await openSighted(found);
  if (file === undefined) {
    const here = await sight(found.path);
    // Closed to us: following it will say so.
    return here && sameFile(here.file, found.file) ? "none" : "unclear";
  }
  try {
    const bytes = { file, head: await readHead(file) };
    const isAsFound = !(await hasChanged(file, found));
    if (bytes.head.length === 0) return isAsFound && !isFresh(found) ? "none" : "unclear";
    const beginning = new Beginning(bytes.head);
    let isUnclear = false;
    for (const original of candidates) {
      if (isAsFound && (await isStranger(beginning, original, present))) continue;
      const relation = await relationOf(found, bytes, original);
      if (relation === "unclear") isUnclear = true;
      else if (relation !== undefined) return { original, relation };
    }
    return isUnclear ? "unclear" : "none";
  } catch {
    return "unclear";
  } finally {
    await file.close();
  }
}

function isFresh({ mtimeNs }: Sighting): boolean {
  return Date.now() - Number(mtimeNs) / 1e6 < COPY_BEGINS_MS;
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
  found: Sighting,
  bytes: Bytes,
  original: FollowedFile,
): Promise<Kinship["relation"] | "unclear" | undefined> {
  const { known, isCutOff, isNamed, phase, isOpen } = original;
  const { fingerprint } = known;
  // Less than a first line may well be in every file.
  if (!isNamed || (await compare(fingerprint, bytes.head, bytes.file)) !== "same") {
    return begunCopyOf(found, bytes, original);
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

/** A file may have been renamed since it was last looked at. */
export async function whereIs({
  file,
  location,
  source,
}: Pick<FileRecord, "file" | "location" | "source">): Promise<Sighting | undefined> {
  const here = await sight(location);
  if (here && sameFile(here.file, file)) return here;
  const rotated = (await sightRotated([source.path])).get(source.path);
  return rotated?.find((sighting) => sameFile(sighting.file, file));
}

/**
 * A copy has less than is known of its original while it is being made: it is compared with what that holds
 * now. Where that is not what is known any more, the original is to be looked at before its copy is told.
 */
async function begunCopyOf(
  found: Sighting,
  { file: part, head }: Bytes,
  original: FollowedFile,
): Promise<"copy" | "unclear" | undefined> {
  const { location, file, isCutOff, isNamed, known, phase, reading } = original;
  if (isCutOff || phase !== "active") return undefined;
  const whole = await openSighted({ path: location, file });
  if (whole === undefined) return (await hasChanged(part, found)) ? "unclear" : undefined;
  try {
    const end = await guardAt(whole, found.size);
    const wholeHead = await readHead(whole);
    const isKnown = !isNamed || (await compare(known.fingerprint, wholeHead, whole)) !== "other";
    const isBegun = head.equals(wholeHead.subarray(0, head.length));
    const isPart = isBegun && end.equals(await guardAt(part, found.size));
    if (!isKnown) return isPart || (await hasChanged(part, found)) ? "unclear" : undefined;
    if (!isPart) return undefined;
    // Less than a line may be the beginning of anything.
    if (isNamed && firstLine(head, reading.filter.framing.maxLineBytes) !== undefined) return "copy";
    return isFresh(found) ? "unclear" : undefined;
  } finally {
    await whole.close();
  }
}

/** It may be whole by now, and its original cut off. */
async function hasChanged(part: OpenFile, found: Sighting): Promise<boolean> {
  const { size, mtimeNs } = await part.sight(found.path);
  return size !== found.size || mtimeNs !== found.mtimeNs;
}

/** Bytes before an offset, as many as a guard has. */
async function guardAt(file: OpenFile, end: number): Promise<Buffer> {
  const guard = Buffer.alloc(Math.min(end, GUARD_BYTES));
  return guard.subarray(0, await file.readAt(guard, end - guard.length));
}
