import { chmodSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { has, kept, run } from "../interop/program.ts";

const REQUIREMENTS = join(import.meta.dirname, "requirements.txt");

export const hasPython: boolean = has("python3");

/** The modules whose `main` is behind the commands: pip's own scripts name the folder that they were installed into. */
const PROGRAMS = { aws: "awscli.clidriver", "cfn-lint": "cfnlint.runner" };

/** Folder of `python`, `aws` and `cfn-lint` of requirements.txt's versions. Made once, and kept. */
export async function pythonPrograms(): Promise<string> {
  const environment = await kept(REQUIREMENTS, async (path) => {
    await run("python3", ["-m", "venv", path]);
    await run(join(path, "bin/python"), ["-m", "pip", "install", "-q", "-r", REQUIREMENTS]);
    for (const [program, module] of Object.entries(PROGRAMS)) {
      const file = join(path, "bin", program);
      const main = `import sys; from ${module} import main; sys.exit(main())`;
      writeFileSync(file, `#!/bin/sh\nexec "$(dirname "$0")/python" -c '${main}' "$@"\n`);
      chmodSync(file, 0o755);
    }
  });
  return join(environment, "bin");
}
