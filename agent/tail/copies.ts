import { basename } from "node:path";
import { type FileIdentity, identityKey, isBornAfter } from "./file-identity.ts";
import { isCopyOf } from "./fingerprint.ts";
import type { FollowedFile } from "./followed-file.ts";
import { isRotatedName } from "./rotated-name.ts";
import { type Sighting, sight } from "./sighting.ts";

/** More copies than anybody keeps beside their logs. */
const REMEMBERED_COPIES = 1_000;

/** A file that holds what another one held, as copytruncate makes them. */
export interface Copy {
  readonly file: FileIdentity;
  readonly size: number;
  /** Id of the source that its bytes were, or are still to be, delivered from. */
  readonly of: string;
}

/**
 * What a newly found file is to one that is followed. Successor: that one is gone or cut off, and goes on
 * in it. Copy: that one is there still, and has all that the copy has.
 */
export interface Kinship {
  readonly original: FollowedFile;
  readonly relation: "successor" | "copy";
}

/** The copies that are known: none of their bytes is to be delivered twice. */
export class Copies {
  readonly #copies = new Map<string, Copy>();

  constructor(copies: readonly Copy[]) {
    for (const copy of copies) this.#copies.set(identityKey(copy.file), copy);
  }

  get all(): Copy[] {
    return [...this.#copies.values()];
  }

  find(file: FileIdentity): Copy | undefined {
    return this.#copies.get(identityKey(file));
  }

  add({ file, size }: Sighting, original: FollowedFile): void {
    this.#copies.set(identityKey(file), { file, size, of: original.source.id });
    if (this.#copies.size > REMEMBERED_COPIES) this.#copies.delete(this.#copies.keys().next().value!);
  }

  delete(file: FileIdentity): void {
    this.#copies.delete(identityKey(file));
  }
}

/** Finds the followed file whose bytes a newly found one begins with. */
export async function findKin(
  found: Sighting,
  followed: Iterable<FollowedFile>,
): Promise<Kinship | undefined> {
  for (const original of followed) {
    const isRenumbered = isSameInodeElsewhere(found.file, original.file);
    // Less than a first line may well be in every file.
    if (!original.isNamed || !(isRenumbered || mayBeCopyOf(found, original))) continue;
    if (!(await isCopyOf(original.fingerprint, found.path))) continue;
    const relation = await relationOf(found, original);
    if (relation !== undefined) return { original, relation };
  }
  return undefined;
}

/** Device numbers are given anew at every boot. */
function isSameInodeElsewhere(a: FileIdentity, b: FileIdentity): boolean {
  return a.ino === b.ino && a.birthtimeNs === b.birthtimeNs && a.dev !== b.dev;
}

/** By its name and its age. */
function mayBeCopyOf(found: Sighting, { source, file }: FollowedFile): boolean {
  const name = basename(found.path);
  const original = basename(source.path);
  const isNamedLike = isRotatedName(name, original) || (name === original && found.path !== source.path);
  return isNamedLike && !isBornAfter(file, found.file);
}

async function relationOf(found: Sighting, original: FollowedFile): Promise<Kinship["relation"] | undefined> {
  // A generation that was cut off is nowhere else any more.
  if (original.isCutOff) return found.size > original.read ? "successor" : "copy";
  // What is gone by its name but open is read to its end.
  if (original.phase === "rotated" && original.isOpen) return "copy";
  const here = await sight(original.location);
  if (here === undefined || identityKey(here.file) !== identityKey(original.file)) return "successor";
  // It was cut off, which the next look will find: until then what is there counts as its own.
  if (!(await isCopyOf(original.fingerprint, original.location))) return "copy";
  // Renamed, and so not what a copy was made from; a file of the same beginning is one of its own.
  if (original.location !== original.source.path) return undefined;
  return found.size > here.size ? undefined : "copy";
}
