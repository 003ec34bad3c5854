import type { ClaimLimits } from "./claim.ts";
import type { ReadLimits } from "./read-log.ts";

export interface TickLimits extends ClaimLimits, ReadLimits {
  /** Memory of all loads that are being planned, about. */
  readonly maxHeldBytes: number;
}

/** What a function of 512 MB can do. */
export const TICK_LIMITS: TickLimits = {
  maxCommits: 20_000,
  maxBytes: 16 * 2 ** 30,
  maxHeldBytes: 80 * 2 ** 20,
  maxReadBytes: 2 ** 30,
  maxSegments: 2_000,
};

/** More memory plans larger loads. */
export function tickLimits(memoryMb: number): TickLimits {
  const { maxCommits, maxBytes, maxHeldBytes, ...limits } = TICK_LIMITS;
  const times = memoryMb / 512;
  return {
    ...limits,
    maxCommits: Math.floor(maxCommits * times),
    maxBytes: Math.floor(maxBytes * times),
    maxHeldBytes: Math.floor(maxHeldBytes * times),
  };
}
