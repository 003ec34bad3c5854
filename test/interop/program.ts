import { spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync } from "node:fs";
import { access, rename, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join, resolve } from "node:path";
import { text } from "node:stream/consumers";

export const here = (name: string): string => resolve(import.meta.dirname, name);

/** Whether a tool is on this machine. */
export const has = (tool: string, versionFlag = "--version"): boolean =>
  spawnSync(tool, [versionFlag]).status === 0;

export interface RunOptions {
  readonly input?: string;
  readonly environment?: Readonly<Record<string, string>>;
  readonly cwd?: string;
}

/** Runs a program to its end. @returns its standard output @throws with its standard error */
export async function run(
  command: string,
  args: readonly string[],
  options: RunOptions = {},
): Promise<string> {
  const { input = "", environment = {}, cwd } = options;
  const child = spawn(command, args, { env: { ...process.env, ...environment }, cwd });
  const code = new Promise<number | null>((resolve, reject) => {
    child.once("error", reject).once("close", resolve);
  });
  child.stdin.on("error", () => {}).end(input);
  const [output, errors] = await Promise.all([text(child.stdout), text(child.stderr)]);
  if ((await code) !== 0) throw new Error(`${command} ended with ${await code}:\n${output}${errors}`);
  return output;
}

/**
 * A file or folder that is made once and kept in the system's temporary folder.
 *
 * @param source file, in this folder unless its path is absolute, that says what is in it: another when that changes
 */
export async function kept(source: string, make: (path: string) => Promise<unknown>): Promise<string> {
  const digest = createHash("sha256")
    .update(readFileSync(here(source)))
    .digest("hex");
  const root = join(tmpdir(), "weir-interop");
  const path = join(root, `${basename(source)}-${digest.slice(0, 16)}`);
  mkdirSync(root, { recursive: true });
  const isMade = await access(path).then(
    () => true,
    () => false,
  );
  if (isMade) return path;
  const unfinished = `${path}.new`;
  await rm(unfinished, { recursive: true, force: true });
  await make(unfinished);
  await rename(unfinished, path);
  return path;
}
