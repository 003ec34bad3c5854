import type { History } from "./simulation.ts";
import type { Shrunk } from "./shrink.ts";

const SHOWN_PROBLEMS = 10;

/** What a person needs who looks for the cause of a history that has failed. */
export function report(seed: number, { problems }: History, smallest: Shrunk): string {
  const { history, steps, without = new Set() } = smallest;
  return [
    `seed ${seed}: ${problems.length} problems`,
    ...problems.slice(0, SHOWN_PROBLEMS),
    `it can be seen alone by: SEED=${seed} npx vitest run test/faults/simulation.test.ts`,
    "",
    `the smallest history found that fails as well has ${steps.length} steps: ${steps.map(({ kind }) => kind).join(", ")}`,
    ...(without.size > 0 ? [`without ${[...without].join(", ")}`] : []),
    ...history.problems.slice(0, SHOWN_PROBLEMS),
    "",
    ...history.trace,
  ].join("\n");
}
