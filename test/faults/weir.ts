import { spawn } from "node:child_process";
import { once } from "node:events";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { bareEnvironment } from "../bare-environment.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));

/** What a command ended with. */
export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs `weir` in a process of its own, as a user does who is nobody to AWS. */
export async function weir(args: readonly string[]): Promise<Ended> {
  const child = spawn(process.execPath, ["bin/weir.ts", ...args], {
    cwd: ROOT,
    stdio: ["ignore", "pipe", "pipe"],
    env: bareEnvironment(),
  });
  const [stdout, stderr, [code]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, "exit") as Promise<[number | null]>,
  ]);
  return { code, stdout, stderr };
}
