import { execFileSync } from "node:child_process";
import { existsSync, renameSync } from "node:fs";
import { join } from "node:path";
import { runFolder } from "../run-folder.ts";

/**
 * The agent as hosts have it, one file that is made once for a run of the tests: it starts in half the CPU time that the
 * sources take.
 *
 * @returns program and first arguments
 */
export function agentProgram(): readonly string[] {
  const file = join(runFolder(), "weir-agent.cjs");
  if (!existsSync(file)) {
    const own = `${file}-${process.pid}`;
    const script = "import(process.argv[1]).then(({ bundleAgent }) => bundleAgent(process.argv[2]))";
    execFileSync(process.execPath, [
      "-e",
      script,
      join(import.meta.dirname, "../../packaging/bundle.ts"),
      own,
    ]);
    renameSync(own, file);
  }
  return [process.execPath, file];
}
