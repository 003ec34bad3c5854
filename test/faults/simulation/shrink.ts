import { FAULT_NAMES, type FaultName } from "./faults.ts";
import { type History, simulate, type SimulationOptions } from "./simulation.ts";

/** How many histories it may take: a seed that fails is looked at by a person in any case. */
const MOST_RUNS = 60;

export interface Shrunk extends SimulationOptions {
  readonly history: History;
}

/** A history that fails as well, with fewer steps and fewer faults. */
export async function shrink(options: SimulationOptions, history: History): Promise<Shrunk> {
  let smallest: Shrunk = { ...options, history };
  let runs = 0;
  const tries = async (smaller: SimulationOptions): Promise<boolean> => {
    if (++runs > MOST_RUNS) return false;
    const history = await simulate(smaller);
    if (history.problems.length === 0) return false;
    smallest = { ...smaller, history };
    return true;
  };
  for (let size = Math.ceil(options.steps.length / 2); size >= 1; size = Math.floor(size / 2)) {
    for (let from = 0; from < smallest.steps.length;) {
      const steps = smallest.steps.toSpliced(from, size);
      if (!(await tries({ ...smallest, steps }))) from += size;
    }
  }
  const without = new Set<FaultName>(options.without);
  for (const fault of FAULT_NAMES) {
    if (!smallest.history.faults.has(fault)) continue;
    if (await tries({ ...smallest, without: new Set([...without, fault]) })) without.add(fault);
  }
  return smallest;
}
