import { readdir } from "node:fs/promises";
import { join } from "node:path";
import picomatch from "picomatch";
import { systemCode } from "../../agent-error.ts";

/** Directories of one level that are looked into, at most. */
const DIRECTORIES_MAX = 1_000;

/** @returns the names of the directories in a directory */
export type ListDirectories = (path: string) => Promise<string[]>;

/**
 * Directories that a glob leads through and that may not be read: what is in them matches nothing, in silence. Below
 * `**` only the first level is looked at.
 */
export async function closedDirectories(
  path: string,
  list: ListDirectories = listDirectories,
): Promise<string[]> {
  const { base, glob, isGlob } = picomatch.scan(path);
  // What is named without a wildcard is looked at by itself.
  if (!isGlob || !glob.includes("/")) return [];
  const closed: string[] = [];
  let level = [base === "" ? "/" : base];
  for (const part of [...glob.split("/").slice(0, -1), undefined]) {
    const matches = picomatch(part ?? "*", { dot: true });
    const next: string[] = [];
    for (const directory of level.slice(0, DIRECTORIES_MAX)) {
      try {
        const names = await list(directory);
        next.push(...names.filter((name) => matches(name)).map((name) => join(directory, name)));
      } catch (error) {
        const code = systemCode(error);
        if (code === "EACCES" || code === "EPERM") closed.push(directory);
      }
    }
    level = next;
  }
  return closed;
}

async function listDirectories(path: string): Promise<string[]> {
  const entries = await readdir(path, { withFileTypes: true });
  return entries.filter((entry) => entry.isDirectory() || entry.isSymbolicLink()).map(({ name }) => name);
}
