import type { Logger } from "pino";
import { AgentError } from "../agent-error.ts";
import { type FileRule, misnamedText } from "../tail/files/file-rule.ts";
import type { Tail } from "../tail/tail.ts";

/** Reasons that an error names; it counts the others. */
const NAMED_IN_ERROR = 3;

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

/**
 * Makes sure that a drain has read every file that matches: one that left something unread has not done what it was
 * asked for.
 *
 * @throws AgentError UNREAD naming the files and why
 */
export function assertAllRead({ unread, waiting, misnamed, left }: Tail, stream: string): void {
  const reasons = [
    ...(waiting > 0 ? [`${waiting} files that match were not read: no more are followed at once`] : []),
    ...unread.map(({ location, error, read, size }) => {
      return `${location} was not read to its end: ${error ?? `to byte ${read} of ${size}`}`;
    }),
    ...Array.from(misnamed, misnamedText),
    ...Array.from(left.values(), ({ detail }) => detail),
  ];
  if (reasons.length === 0) return;
  const named = reasons.slice(0, NAMED_IN_ERROR);
  const others = reasons.length > named.length ? [`and ${reasons.length - named.length} more`] : [];
  const hint = "All else is delivered. weir agent status lists every file and what it waits for.";
  throw new AgentError("UNREAD", stream, [...named, ...others].join("; "), hint);
}
