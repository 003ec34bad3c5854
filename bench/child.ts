import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";

/** Starts a script of the benchmarks, in a process of its own. @param args its path, flags before it */
export function script(
  args: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): ChildProcess {
  const credentials = { AWS_ACCESS_KEY_ID: "bench", AWS_SECRET_ACCESS_KEY: "bench" };
  return spawn(process.execPath, args, {
    stdio: ["pipe", "pipe", "inherit"],
    env: { ...process.env, ...credentials, ...environment },
  });
}

/** The next line that the process prints, at each call. */
export function linesOf(child: ChildProcess): () => Promise<string> {
  const lines = createInterface({ input: child.stdout! })[Symbol.asyncIterator]();
  return async () => {
    const { value, done } = await lines.next();
    if (done)
      throw new Error(`${child.spawnargs[1]} ended with ${child.exitCode ?? (await once(child, "exit"))[0]}`);
    return value;
  };
}
