import { cp, symlink } from "node:fs/promises";
import { join, relative } from "node:path";

const REPOSITORY = join(import.meta.dirname, "../..");

/** Not in a clone, or not read by a deployment. */
const LEFT_OUT = new Set([".git", ".tsbuild", ".weir", "bench", "cdk.out", "dist", "node_modules", "test"]);

/** A clone after `npm ci`: what a deployment writes, and what its reader edits, is in a folder of its own. */
export async function checkout(folder: string): Promise<void> {
  await cp(REPOSITORY, folder, {
    recursive: true,
    filter: (path) => !LEFT_OUT.has(relative(REPOSITORY, path)),
  });
  await symlink(join(REPOSITORY, "node_modules"), join(folder, "node_modules"));
}
