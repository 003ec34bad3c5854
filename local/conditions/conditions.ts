import { rejections, RULES } from "./condition-rules.ts";
import type { Condition } from "./condition.ts";
import type { Facts } from "./facts.ts";

/**
 * What is not as it should be, worst first; nothing while all is well.
 *
 * @param before what was found the last time: what goes on has its beginning from there
 */
export function conditions(facts: Facts, before: readonly Condition[] = []): Condition[] {
  const hasEnded = facts.phase === "balanced" || facts.phase === "unbalanced";
  // The parts of a run that has ended are stopped.
  const found = hasEnded ? rejections(facts) : RULES.flatMap((rule) => rule(facts));
  const since = new Map(before.map(({ id, sinceMs }) => [id, sinceMs]));
  return found
    .map((one) => ({ ...one, sinceMs: one.sinceMs ?? since.get(one.id) ?? facts.atMs }))
    .sort((a, b) => Number(b.severity === "red") - Number(a.severity === "red"));
}
