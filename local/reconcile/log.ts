import type { CommitLog } from "../../lambdas/commit-log/commit-log.ts";
import { LOG_BEGINNING } from "../../lambdas/commit-log/cursor.ts";
import type { Commit } from "../../wire/commit.ts";
import { counted } from "./figures.ts";

/**
 * The log holds each commit of the lake once, as it is there, and no other.
 *
 * @param commits by key, as they were listed
 */
export async function logProblems(
  commits: ReadonlyMap<string, Commit>,
  log: CommitLog,
  signal?: AbortSignal,
): Promise<string[]> {
  const missing = new Set(commits.keys());
  const twice: string[] = [];
  const unknown: string[] = [];
  const different: string[] = [];
  const unreadable: string[] = [];
  for await (const entry of log.read(LOG_BEGINNING, { ...(signal && { signal }) })) {
    const { key } = entry;
    const commit = commits.get(key);
    if (commit === undefined) unknown.push(key);
    else if (!missing.delete(key)) twice.push(key);
    else if ("error" in entry) unreadable.push(`${key}: ${entry.error.message}`);
    else if (JSON.stringify(entry.commit) !== JSON.stringify(commit)) different.push(key);
  }
  return [
    ...problem([...missing], "not in the log"),
    ...problem(twice, "in the log more than once"),
    ...problem(unknown, "in the log and not in the lake"),
    ...problem(different, "other in the log than in the lake"),
    ...problem(unreadable, "unreadable in the log"),
  ];
}

function problem(keys: readonly string[], what: string): string[] {
  if (keys.length === 0) return [];
  return [`${counted(keys.length, "commit")} ${keys.length === 1 ? "is" : "are"} ${what}, first: ${keys[0]}`];
}
