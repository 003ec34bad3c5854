import { AgentError } from "../agent-error.ts";
import { misnamedText } from "../tail/files/file-rule.ts";
import type { Tail } from "../tail/tail.ts";

/** Reasons that an error names; it counts the others. */
const NAMED_IN_ERROR = 3;

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
