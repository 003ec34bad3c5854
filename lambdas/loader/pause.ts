import * as z from "zod";
import type { PauseStatus } from "../../wire/loader-command.ts";
import type { LoaderState } from "./state.ts";

/**
 * Loads that an operator has stopped: of all tables, or of some by name. Apart from what is known of the tables, since
 * that may be made anew at any time.
 */
const pauseSchema = z.strictObject({
  since: z.iso.datetime(),
  /** Who asked for it. */
  by: z.string().optional(),
  reason: z.string().optional(),
});

export const pausesSchema = z.strictObject({
  all: pauseSchema.optional(),
  tables: z.record(z.string(), pauseSchema),
});

type Pauses = z.output<typeof pausesSchema>;

/** Why nothing of a table is loaded; undefined where loads go on. */
export function pauseOf({ pauses }: Pick<LoaderState, "pauses">, table: string): PauseStatus | undefined {
  const pause = pauses?.tables[table] ?? pauses?.all;
  if (pause === undefined) return undefined;
  const { since, by, reason } = pause;
  return { since, ...(by !== undefined && { by }), ...(reason !== undefined && { reason }) };
}

/** @param table all of them, also those that there will be, if undefined. One that is paused already stays so since then */
export function paused(state: LoaderState, table: string | undefined, pause: PauseStatus): LoaderState {
  const { all, tables = {} } = state.pauses ?? {};
  const pauses: Pauses =
    table === undefined
      ? { all: { ...pause, since: all?.since ?? pause.since }, tables }
      : {
          ...(all && { all }),
          tables: { ...tables, [table]: { ...pause, since: tables[table]?.since ?? pause.since } },
        };
  return { ...state, pauses };
}

/** @param table all of them if undefined */
export function resumed(state: LoaderState, table: string | undefined): LoaderState {
  const { pauses, ...rest } = state;
  if (pauses === undefined || table === undefined) return rest;
  const { [table]: _, ...tables } = pauses.tables;
  const { all } = pauses;
  return all || Object.keys(tables).length > 0 ? { ...rest, pauses: { ...pauses, tables } } : rest;
}

/** As a person says it. */
export function pauseText({ since, by, reason }: PauseStatus): string {
  return `loads are paused since ${since}${by === undefined ? "" : ` by ${by}`}${reason === undefined ? "" : `: ${reason}`}`;
}
