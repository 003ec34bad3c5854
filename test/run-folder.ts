import { chmodSync, existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const VARIABLE = "WEIR_TEST_RUN";

/** A folder for what the tests of one run make once, or leave behind. */
export const runFolder = (): string =>
  (process.env[VARIABLE] ??= mkdtempSync(join(tmpdir(), "weir-test-run-")));

/** A file or folder that the first test which needs it makes, for all of the run. @returns its path */
export async function onceInRun(name: string, make: (path: string) => Promise<unknown>): Promise<string> {
  const path = join(runFolder(), name);
  if (existsSync(path)) return path;
  const own = `${path}-${process.pid}`;
  await make(own);
  try {
    renameSync(own, path);
  } catch (error) {
    // Another process may have made it meanwhile.
    if (!existsSync(path)) throw error;
    rmSync(own, { recursive: true });
  }
  return path;
}

/** Makes the folder before a run, and removes it after it: vitest's globalSetup. */
export default function setup(): (() => void) | undefined {
  // Each project asks for it.
  if (process.env[VARIABLE] !== undefined) return undefined;
  const folder = mkdtempSync(join(tmpdir(), "weir-test-run-"));
  // PostgreSQL is another user there.
  chmodSync(folder, 0o755);
  const temporary = join(folder, "tmp");
  mkdirSync(temporary);
  chmodSync(temporary, 0o1777);
  const variables = {
    [VARIABLE]: folder,
    WEIR_KEPT_BUNDLES: join(folder, "bundles"),
    WEIR_KEPT_CLUSTER: join(folder, "cluster"),
    // Whatever a test leaves behind goes with it.
    TMPDIR: temporary,
  };
  const before = Object.keys(variables).map((name) => [name, process.env[name]] as const);
  Object.assign(process.env, variables);
  return () => {
    for (const [name, value] of before) {
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
    }
    // A server that ends may still write.
    rmSync(folder, { recursive: true, force: true, maxRetries: 10 });
  };
}
