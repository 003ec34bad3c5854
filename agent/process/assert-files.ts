import type { Logger } from "pino";
import { AgentError } from "../agent-error.ts";
import type { FileRule } from "../tail/files/file-rule.ts";

/** Single files that cannot be read are told of, and tried again for ever. @throws AgentError FILES */
export async function assertFiles(rules: readonly FileRule[], log: Logger): Promise<void> {
  const problems = await Promise.all(rules.map((rule) => rule.problems()));
  const fatal = problems.flatMap((problem) => problem.fatal);
  if (fatal.length > 0) {
    const hint = "Directories must exist and be readable; files may come later.";
    throw new AgentError("FILES", "configuration", fatal.join("; "), hint);
  }
  for (const { unreadable } of problems) for (const problem of unreadable) log.error(problem);
}
