import { constants } from "node:fs";
import { type FileHandle, lstat, open, readlink, realpath, stat } from "node:fs/promises";
import { basename, dirname, join, resolve, sep } from "node:path";
import { type FileIdentity, identify, sameFile } from "./file-identity.ts";
import type { FileStat } from "./file-stat.ts";

/** Opens a file only to ask about it: that needs no right to read it. source: open(2), on every architecture of Linux */
const O_PATH = 0o10_000_000;
const IS_LINUX = process.platform === "linux";
const TO_ASK = IS_LINUX ? O_PATH : constants.O_RDONLY | constants.O_NONBLOCK;

const ROOT = 0;
const WRITABLE_BY_OTHERS = 0o022;
const STICKY = 0o1000;

/** Why a file that a pattern matches is not read. `changed`: it was replaced in that moment; ask again. */
export interface Refusal {
  readonly reason: "link" | "names" | "owner" | "changed";
  readonly detail: string;
}

/** @returns why a file is left for as long as it stays as it is; undefined too where it was replaced meanwhile */
export function lastingDetail(refusal: Refusal | undefined): string | undefined {
  return refusal?.reason === "changed" ? undefined : refusal?.detail;
}

export interface AccessOptions {
  /** Directories that the entry names, before any wildcard. */
  readonly directories: readonly string[];
  /** True: wherever links lead. Else also into these directories. */
  readonly followLinks: boolean | readonly string[];
  /** User ids whose files are read in any directory. */
  readonly owners: readonly number[];
}

/**
 * Decides which of the files that a pattern matches are read.
 *
 * The agent may read what those who write into a log directory may not. A symbolic link, a linked directory or a
 * hard link there must not have it send another file. What counts is therefore what the kernel says of the file
 * itself once it is held, not of the path that led to it: between a look and the next, any part of a path may
 * become another.
 */
export class FileAccess {
  readonly #options: AccessOptions;

  constructor(options: AccessOptions) {
    this.#options = options;
  }

  /** Resolves the directories once for many files, as they are at this moment. */
  async look(): Promise<FileCheck> {
    const { directories, followLinks, owners } = this.#options;
    if (followLinks === true) return { refusalOf: () => Promise.resolve(undefined) };
    const linked = typeof followLinks === "boolean" ? [] : followLinks;
    const resolved = await Promise.all([
      ...linked.map((directory) => realpath(directory).catch(() => undefined)),
      ...directories.map((directory) => resolveGuarded(directory).catch(() => undefined)),
    ]);
    const allowed = resolved.filter((directory) => directory !== undefined);
    return { refusalOf: (found, paths) => refusalOf(found, paths, allowed, owners) };
  }
}

type Paths = () => readonly string[] | Promise<readonly string[]>;

/** Decides by what the directories were when it was made. */
export interface FileCheck {
  /**
   * @param paths that a search has found, the file's own names among them; asked for where it has several
   * @returns undefined when it may be read
   */
  refusalOf(found: FileStat, paths: Paths): Promise<Refusal | undefined>;
}

async function refusalOf(
  found: FileStat,
  paths: Paths,
  allowed: readonly string[],
  owners: readonly number[],
): Promise<Refusal | undefined> {
  let file: FileHandle;
  try {
    file = await open(found.path, TO_ASK);
  } catch {
    return changed(found.path);
  }
  try {
    const held = await file.stat({ bigint: true });
    const real = IS_LINUX ? await readlink(`/proc/self/fd/${file.fd}`) : await realpath(found.path);
    if (!sameFile(identify(held), found.file)) return changed(found.path);
    return (
      linkRefusal(found.path, real, allowed) ??
      (await nameRefusal(found, Number(held.nlink), paths, allowed)) ??
      (await ownerRefusal(real, Number(held.uid), owners))
    );
  } catch {
    return changed(found.path);
  } finally {
    await file.close();
  }
}

function linkRefusal(path: string, real: string, allowed: readonly string[]): Refusal | undefined {
  if (allowed.some((directory) => isWithin(real, directory))) return undefined;
  const entry = JSON.stringify([dirname(real)]);
  const detail = `${path} leads to ${real}, which is in no directory that this entry names; follow_links = ${entry} would read it`;
  return { reason: "link", detail };
}

async function nameRefusal(
  { path, file }: FileStat,
  names: number,
  paths: Paths,
  allowed: readonly string[],
): Promise<Refusal | undefined> {
  const found = names > 1 ? await countNames(file, await paths(), allowed) : 1;
  if (names <= found) return undefined;
  const detail = `${path} has ${names} names (hard links), and ${found} of them match; follow_links = true would read it`;
  return { reason: "names", detail };
}

/** Counts each name once, however many paths lead to it through symbolic links, and none that is elsewhere. */
async function countNames(
  file: FileIdentity,
  paths: readonly string[],
  allowed: readonly string[],
): Promise<number> {
  const names = new Set<string>();
  for (const path of paths) {
    const found = await lstat(path, { bigint: true }).catch(() => undefined);
    if (found === undefined || !sameFile(identify(found), file)) continue;
    const real = join(await realpath(dirname(path)), basename(path));
    if (allowed.some((directory) => isWithin(real, directory))) names.add(real);
  }
  return names.size;
}

/**
 * Whoever owns a directory can move any file into it that is on its disk, and could not read it there. Where the
 * directory is root's, only root could.
 */
async function ownerRefusal(
  real: string,
  owner: number,
  owners: readonly number[],
): Promise<Refusal | undefined> {
  const { uid } = await stat(dirname(real));
  if (uid === ROOT || owner === uid || owners.includes(owner)) return undefined;
  const detail = `${real} belongs to user ${owner}, its directory to user ${uid}; owners = [${owner}] would read it`;
  return { reason: "owner", detail };
}

/**
 * Resolves a directory's links as far as nobody can have put them there to lead elsewhere: within the directory
 * that the link is in (`current` to a release beside it), or made by root or the agent's own user where no other
 * may write.
 *
 * @returns undefined where another link is on the way
 */
async function resolveGuarded(directory: string): Promise<string | undefined> {
  let real: string = sep;
  for (const name of resolve(directory).split(sep).filter(Boolean)) {
    const path = join(real, name);
    const found = await lstat(path);
    if (!found.isSymbolicLink()) real = path;
    else {
      const target = await realpath(path);
      if (!isWithin(target, real) && !(await isGuarded(real, found.uid))) return undefined;
      real = target;
    }
  }
  return real;
}

/** @param owner of a link in the directory */
async function isGuarded(directory: string, owner: number): Promise<boolean> {
  const { uid, mode } = await stat(directory);
  if (!isOurs(uid) || !isOurs(owner)) return false;
  // In a sticky directory only the owner can replace a link.
  return (mode & WRITABLE_BY_OTHERS) === 0 || (mode & STICKY) !== 0;
}

function isOurs(uid: number): boolean {
  return uid === ROOT || uid === process.geteuid?.();
}

function isWithin(path: string, directory: string): boolean {
  return path.startsWith(directory.endsWith(sep) ? directory : directory + sep);
}

function changed(path: string): Refusal {
  return { reason: "changed", detail: `${path} was replaced while it was looked at` };
}
