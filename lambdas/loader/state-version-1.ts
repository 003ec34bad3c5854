import * as z from "zod";
import { LOG_BEGINNING } from "../commit-log/cursor.ts";
import { openLoadSchema } from "./open-load.ts";
import type { LoaderState } from "./state.ts";

/**
 * The state of loaders that listed commits for themselves. Every commit whose key sorts before `cursor` is claimed,
 * and so is each in `claimed`; those in `setAside` could not be read.
 */
export const version1Schema = z.strictObject({
  version: z.literal(1),
  tables: z.record(
    z.string(),
    z.strictObject({
      cursor: z.string(),
      claimed: z.array(z.string()),
      setAside: z.array(z.string()),
      backlog: z.boolean(),
      prepared: z.string().optional(),
      load: openLoadSchema.omit({ log: true }).optional(),
    }),
  ),
});

/**
 * Every table begins with the log's first commit, and leaves out what it has claimed. Its open load, which holds
 * claimed commits, is settled like any other.
 */
export function stateOfVersion1({ tables }: z.output<typeof version1Schema>): LoaderState {
  return {
    version: 3,
    tables: Object.fromEntries(
      Object.entries(tables).map(([name, { cursor, claimed, setAside, ...table }]) => [
        name,
        { ...table, cursor: LOG_BEGINNING, setAside: [], before: { cursor, claimed, setAside } },
      ]),
    ),
  };
}
