import * as z from "zod";

/**
 * The warehouse is away: paused, gone, or out of reach. Then nothing is sent to it until `notBefore`, and then one load
 * of all tables finds out whether it is back, so that it is asked once a tick and not once a table.
 */
export const awaySchema = z.strictObject({
  since: z.iso.datetime(),
  /** In its own words, or the network's. */
  error: z.string(),
  /** Loads that found it away, in a row. */
  probes: z.int().min(1),
  notBefore: z.iso.datetime(),
});

export type Away = z.output<typeof awaySchema>;

const MINUTE_MS = 60_000;
const MAX_WAIT_MINUTES = 15;

/** After another load that did not get through: 1, 2, 4, 8 and then 15 minutes. */
export function stillAway(away: Away | undefined, error: string, now: Date): Away {
  const probes = (away?.probes ?? 0) + 1;
  const minutes = Math.min(2 ** (probes - 1), MAX_WAIT_MINUTES);
  return {
    since: away?.since ?? now.toISOString(),
    error,
    probes,
    notBefore: new Date(now.getTime() + minutes * MINUTE_MS).toISOString(),
  };
}

/** Whether nothing is to be sent to the warehouse yet. */
export const isResting = (away: Away | undefined, now: Date): boolean =>
  away !== undefined && now.toISOString() < away.notBefore;
