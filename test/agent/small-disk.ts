import { spawnSync } from "node:child_process";
import { mkdir } from "node:fs/promises";

/** A disk of its own. @returns what takes it away, undefined where this user may not have one */
export async function mountSmallDisk(path: string): Promise<Disposable | undefined> {
  await mkdir(path);
  if (spawnSync("mount", ["-t", "tmpfs", "-o", "size=8m", "tmpfs", path]).status !== 0) return undefined;
  return { [Symbol.dispose]: () => void spawnSync("umount", ["--lazy", path]) };
}
