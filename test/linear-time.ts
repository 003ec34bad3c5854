import { cpuMs } from "./cpu-time.ts";

/** Turns that both pieces of work get, whatever they cost. */
const LEAST_TURNS = 3;
/** Turns after which a cost beyond the bound is not the machine's doing. */
const MOST_TURNS = 20;

/** What a long piece of work may cost beside a short one. */
export interface Bound {
  /** How many times as much. */
  readonly growth: number;
  /** And how many ms besides. */
  readonly noiseMs: number;
}

/**
 * Measures both by turns and takes the least CPU time of each: a busy machine, compiling and a collection of garbage add
 * to some turns, while what is quadratic is so in all of them.
 * @param cost tells how many ms one run takes
 * @returns the ms of the short and of the long work if the long one's are beyond the bound, undefined if they are not
 */
export function costsBeyond(
  { growth, noiseMs }: Bound,
  short: () => unknown,
  long: () => unknown,
  cost = cpuMs,
): [shortMs: number, longMs: number] | undefined {
  const costs: [number, number] = [Infinity, Infinity];
  for (let turn = 1; turn <= MOST_TURNS; turn++) {
    costs[0] = Math.min(costs[0], cost(short));
    costs[1] = Math.min(costs[1], cost(long));
    if (turn >= LEAST_TURNS && costs[1] <= growth * costs[0] + noiseMs) return undefined;
  }
  return costs;
}
