import { createHash } from "node:crypto";
import type { BigIntStats } from "node:fs";

/**
 * What stays the same of a file however it is renamed. The birth time tells a file from a later one
 * that was given the same inode. Numbers are decimal strings: they take 64 bits, and go into JSON.
 */
export interface FileIdentity {
  readonly dev: string;
  readonly ino: string;
  /** "0" on file systems that do not keep it. */
  readonly birthtimeNs: string;
}

export function identify(stat: BigIntStats): FileIdentity {
  return { dev: `${stat.dev}`, ino: `${stat.ino}`, birthtimeNs: `${stat.birthtimeNs}` };
}

export function identityKey({ dev, ino, birthtimeNs }: FileIdentity): string {
  return `${dev}:${ino}:${birthtimeNs}`;
}

/** The same on whatever device: they are numbered anew at every boot. */
export function inodeKey({ ino, birthtimeNs }: FileIdentity): string {
  return `${ino}:${birthtimeNs}`;
}

/** What it is known by after a boot, too. Without a birth time its inode alone may be another file's. */
export function lastingKey(file: FileIdentity): string {
  return file.birthtimeNs === "0" ? identityKey(file) : inodeKey(file);
}

export function sameFile(a: FileIdentity, b: FileIdentity): boolean {
  return a.ino === b.ino && a.dev === b.dev && a.birthtimeNs === b.birthtimeNs;
}

/** False where the file system keeps no birth times. None is true to the quarter of a microsecond a double leaves out. */
export function isBornAfter(a: FileIdentity, b: FileIdentity): boolean {
  return Number(a.birthtimeNs) > Number(b.birthtimeNs);
}

/**
 * The kernel takes birth times and times of changes from a clock that ticks this often at the least: what is made
 * now may be born this much earlier than the time of day says.
 */
export const CLOCK_TICK_MS = 10;

/** Whether a file was surely made before a time of day. */
export function isBornBefore({ birthtimeNs }: FileIdentity, timeMs: number): boolean {
  return Number(birthtimeNs) / 1e6 + CLOCK_TICK_MS < timeMs;
}

/** 72 bits: among a hundred million sources two share an id with a chance of one in a million. */
const ID_BYTES = 9;

/**
 * Id of one generation of a file's bytes: a file that is truncated goes on as its next generation.
 *
 * The first line makes it the id of these very bytes. An agent that has lost its state, and so does not
 * know of earlier generations, would else give their id to other bytes, which then passed for duplicates.
 * The device is no part of it: its number may be another after the next boot.
 *
 * @param firstLine empty while there is none
 * @param firstSeenMs stands in for the birth time where the file system keeps none: there an inode
 *   alone would give two files one id
 * @param salt of the machine, where the agent's state has come from another, on which all else may be the same
 * @returns 12 characters of [A-Za-z0-9_-]
 */
export function sourceId(
  host: string,
  file: FileIdentity,
  generation: number,
  firstLine: Buffer,
  firstSeenMs: number,
  salt?: string,
): string {
  const birth = file.birthtimeNs === "0" ? `seen ${firstSeenMs}` : file.birthtimeNs;
  const identity = [host, file.ino, birth, generation, ...(salt === undefined ? [] : [salt]), ""].join("\0");
  const hash = createHash("sha256").update(identity).update(firstLine).digest();
  return hash.subarray(0, ID_BYTES).toString("base64url");
}
