import * as z from "zod";
import { PREFIX } from "../../wire/keys.ts";

/** Where the sweep is. Losing it only repeats work. */
export const SWEEP_STATE_KEY = `${PREFIX.log}sweep.json`;

const instant = z.iso.datetime();
const currentSweep = z.strictObject({ startedAt: instant, after: z.string() });

export const sweepStateSchema = z.strictObject({
  version: z.literal(1),
  /** When the last sweep that came to its end began. It has seen all that was there by then. */
  completed: instant.optional(),
  /** The sweep that is on its way, and the key after which it goes on. */
  current: currentSweep.optional(),
});

export type CurrentSweep = z.output<typeof currentSweep>;
export type SweepState = z.output<typeof sweepStateSchema>;
