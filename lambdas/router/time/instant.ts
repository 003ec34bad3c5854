import { FIRST_MS, LAST_MS } from "./civil.ts";

/** An instant to Redshift's resolution. */
export interface Instant {
  readonly epochMs: number;
  /** Microseconds past `epochMs`, 0 to 999. */
  readonly micros: number;
}

/** @returns undefined for what is not of the years 1 to 9999, NaN included */
export function instantOf(epochMs: number, micros = 0): Instant | undefined {
  return epochMs >= FIRST_MS && epochMs <= LAST_MS ? { epochMs, micros } : undefined;
}

/** The instant as long before 1970. */
export function instantBefore(ms: number, micros: number): Instant | undefined {
  return micros > 0 ? instantOf(-ms - 1, 1_000 - micros) : instantOf(0 - ms);
}
