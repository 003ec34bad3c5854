import type { LoaderState } from "./state.ts";

/**
 * How long the warehouse was busy with loads, from the first one's submission to when the last one's end was seen. Loads
 * run side by side, so their own durations do not add up to it, and which were open together no single tick knows.
 *
 * @returns the state, which has the beginning while some load runs, and the time, once none does
 */
export function busyTime(state: LoaderState, now: Date): { state: LoaderState; busySeconds?: number } {
  const { busySince, ...resting } = state;
  if (Object.values(state.tables).some(({ load }) => load?.statementId !== undefined)) {
    return { state: { ...resting, busySince: busySince ?? now.toISOString() } };
  }
  if (busySince === undefined) return { state };
  return { state: resting, busySeconds: (now.getTime() - Date.parse(busySince)) / 1_000 };
}
