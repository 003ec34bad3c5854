import type { S3Client } from "@aws-sdk/client-s3";
import * as z from "zod";
import { PREFIX } from "../../wire/keys.ts";
import { loadsFolder, MAIN_WAREHOUSE } from "../../wire/warehouses.ts";
import { cursorSchema, LOG_BEGINNING } from "../commit-log/cursor.ts";
import { SavedState } from "../commit-log/saved-state.ts";
import { awaySchema } from "./breaker.ts";
import { heldSchema } from "./held/held-types.ts";
import { lastLoadSchema, NO_LOAD } from "./ledger/last-load.ts";
import { openLoadSchema } from "./open-load.ts";
import { pausesSchema } from "./pause.ts";
import { stateOfVersion1, version1Schema } from "./state-version-1.ts";

/**
 * What a loader remembers between ticks: a cache of what the ledger of its warehouse says, in `loads/state.json` for the
 * main one and in `loads/<name>/state.json` for another. For each table, every commit of the log before `cursor` is
 * loaded, has nothing for the table, is part of `load`, or is in `setAside`.
 */
const count = z.int().min(0);
const instant = z.iso.datetime();
/** An interval [from, to) of the log with commits that could not be read, or had no type then. */
export const setAsideSchema = z.strictObject({
  from: cursorSchema,
  to: cursorSchema,
  count,
  /** Minute of the oldest of them, as far as their keys tell. */
  oldestAt: instant.optional(),
  /** Of which rows are to be loaded; of all that the table takes, where it is absent. See held/. */
  types: z.array(z.string()).optional(),
});

const tableState = z.strictObject({
  /** Names of the types whose rows it takes. */
  takes: z.array(z.string()).optional(),
  /** What arrived before is not loaded: the table is to begin there. */
  since: instant.optional(),
  /** The ledger's last load. Absent in a state of before there were numbers: then the ledger has loads without one. */
  last: lastLoadSchema.optional(),
  /** The next commit to read. */
  cursor: cursorSchema,
  /** Each is tried again in its turn. See set-aside.ts. */
  setAside: z.array(setAsideSchema),
  /** The last reading stopped at its limits: more is there already. */
  backlog: z.boolean(),
  /** Fingerprint of the configuration that the table was last made to fit. */
  prepared: z.string().optional(),
  load: openLoadSchema.optional(),
  /** The table has rows that the ledger knows nothing of: the next load makes it one. */
  seed: z.literal(true).optional(),
  /** The next load is one that did not fit the lake. See replan.ts. */
  replanning: z.literal(true).optional(),
  /** Absent where the lake has none. See erasure/erase-table.ts. */
  erasures: z
    .strictObject({
      /** Of the lake's for this type, so many are in weir.erasures. */
      applied: count,
      running: z.strictObject({ id: z.string(), statementId: z.string(), submittedAt: instant }).optional(),
      failure: z.strictObject({ error: z.string(), count, notBefore: instant }).optional(),
    })
    .optional(),
  /** Objects that the warehouse has refused: rows of weir.set_aside that wait. See set-aside/retry-refused.ts. */
  refused: z
    .strictObject({
      objects: count,
      rows: count,
      /** Since when some wait. */
      since: instant,
      /** Names the table's configuration when they were last tried: under a changed one they are tried at once. */
      fingerprint: z.string(),
      /** How often in a row, and when again. */
      tries: count,
      notBefore: instant,
      /** They are being tried: those that were tried last before this. */
      round: instant.optional(),
    })
    .optional(),
  /** What was claimed before there was a log. See claimed-before.ts. */
  before: z
    .strictObject({ cursor: z.string(), claimed: z.array(z.string()), setAside: z.array(z.string()) })
    .optional(),
});

const stateSchema = z.strictObject({
  version: z.literal(3),
  /** The warehouse whose ledger it is about, by DataApi's name; absent until a loader has named it. */
  warehouse: z.string().optional(),
  tables: z.record(z.string(), tableState),
  /** Absent while the warehouse answers. See breaker.ts. */
  away: awaySchema.optional(),
  /** Rows of types that nobody knows. */
  held: heldSchema.optional(),
  /** Absent while every table is loaded. */
  pauses: pausesSchema.optional(),
  /** When the first of the loads that run now was submitted, or one that they took over from. See busy-time.ts. */
  busySince: instant.optional(),
});

const version2Schema = stateSchema.omit({ warehouse: true }).extend({ version: z.literal(2) });

export type LoaderState = z.output<typeof stateSchema>;
export type TableState = z.output<typeof tableState>;
export type SetAside = z.output<typeof setAsideSchema>;
export type RefusedCount = NonNullable<TableState["refused"]>;
export type ClaimedBefore = NonNullable<TableState["before"]>;

/** A table that has never been loaded begins with the log's first commit. */
export const newTable = (): TableState => ({
  last: NO_LOAD,
  cursor: LOG_BEGINNING,
  setAside: [],
  backlog: false,
});

/** What one tick has read, and saves over. */
export function savedState(
  s3: S3Client,
  bucket: string,
  warehouse = MAIN_WAREHOUSE,
): SavedState<LoaderState> {
  return new SavedState({
    s3,
    bucket,
    key: `${PREFIX.loads}${loadsFolder(warehouse)}state.json`,
    initial: { version: 3, tables: {} },
    parse: parseState,
    hint: "delete it: it is made anew from the ledger in the warehouse",
  });
}

/** Reads a state of this version, or of one before. */
function parseState(value: unknown): LoaderState {
  const { version } = (value ?? {}) as { version?: unknown };
  if (version === 1) return stateOfVersion1(version1Schema.parse(value));
  if (version === 2) return { ...version2Schema.parse(value), version: 3 };
  return stateSchema.parse(value);
}

/** What is known of a warehouse: all of a state that is about it, and nothing of one that is about another. */
export function stateOf(warehouse: string, state: LoaderState): LoaderState {
  if (state.warehouse === undefined || state.warehouse === warehouse) return { ...state, warehouse };
  // Whoever paused loads did so for a reason that may be this very change.
  return { version: 3, warehouse, tables: {}, ...(state.pauses && { pauses: state.pauses }) };
}
