import { chmodSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const VARIABLE = "WEIR_TEST_RUN";

/** A folder for what the tests of one run make once, or leave behind. */
export const runFolder = (): string =>
  (process.env[VARIABLE] ??= mkdtempSync(join(tmpdir(), "weir-test-run-")));

/** Makes the folder before a run, and removes it after it: vitest's globalSetup. */
export default function setup(): (() => void) | undefined {
  // Each project asks for it.
  if (process.env[VARIABLE] !== undefined) return undefined;
  const folder = mkdtempSync(join(tmpdir(), "weir-test-run-"));
  // PostgreSQL is another user there.
  chmodSync(folder, 0o755);
  const variables = {
    [VARIABLE]: folder,
    WEIR_KEPT_BUNDLES: join(folder, "bundles"),
    WEIR_KEPT_CLUSTER: join(folder, "cluster"),
  };
  Object.assign(process.env, variables);
  return () => {
    for (const name of Object.keys(variables)) delete process.env[name];
    rmSync(folder, { recursive: true, force: true });
  };
}
