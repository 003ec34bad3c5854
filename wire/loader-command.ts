import * as z from "zod";
import { erasureConditionSchema } from "./erasure.ts";

/** A place in the log of commits: of the next entry to read. */
const logPlaceSchema = z.strictObject({ segment: z.int().min(1), index: z.int().min(0) });

/** Sources that are asked for at a time. */
export const AUDITED_SOURCES = 200;

/**
 * What an operator asks of the loader: its function is invoked with one of these instead of a tick's event. An Invoke
 * whose answer was lost is sent again, so a command that was carried out already must answer as it did.
 */
export const loaderCommandSchema = z.discriminatedUnion("command", [
  z.strictObject({ command: z.literal("status") }),
  z.strictObject({
    command: z.literal("schema"),
    /** Makes the changes, by the configuration that is deployed. */
    apply: z.boolean().default(false),
    /** A configuration that is not deployed yet, to be compared with the tables. */
    config: z.unknown().optional(),
    /** Whoever asks. */
    by: z
      .string()
      .refine((by) => Buffer.byteLength(by) <= 256, "at most 256 bytes of UTF-8")
      .optional(),
  }),
  /** Has a table read the log again, from its beginning or from a time, and load what it lacks. */
  z.strictObject({
    command: z.literal("reload"),
    /** "schema.table" */
    table: z.string(),
    from: z.iso.datetime().optional(),
  }),
  /** Has a failed load, and objects that the warehouse refused, tried again with the next tick. */
  z.strictObject({ command: z.literal("retry"), table: z.string() }),
  /** Gives up objects that the warehouse refused: they stay in the lake, and are neither tried nor told any more. */
  z.strictObject({
    command: z.literal("skip"),
    table: z.string(),
    /** Key of the one that is meant; all of the table's, if absent. */
    object: z.string().optional(),
  }),
  /** Has no more loads of a table begin, or of any, until they are resumed. */
  z.strictObject({
    command: z.literal("pause"),
    /** "schema.table"; all of them, if absent. */
    table: z.string().optional(),
    /** Whoever asks, and why. */
    by: z.string().max(64).optional(),
    reason: z.string().max(200).optional(),
  }),
  z.strictObject({ command: z.literal("resume"), table: z.string().optional() }),
  /** Counts the rows that an erasure's condition is for. */
  z.strictObject({
    command: z.literal("match"),
    type: z.string(),
    condition: erasureConditionSchema,
    arrivedBefore: z.iso.datetime(),
  }),
  /**
   * Adds up what the ledger says of each table, and counts its rows. It changes nothing.
   */
  z.strictObject({
    command: z.literal("audit"),
    /** Of loads that begin here in the log, or later; of all, if absent. */
    from: logPlaceSchema.optional(),
    /** Ids of sources whose rows are counted besides. */
    sources: z.array(z.string().max(160)).max(AUDITED_SOURCES).optional(),
  }),
  /** Makes an erasure that the lake records in the tables of its type; sent again until all of them have had it. */
  z.strictObject({ command: z.literal("erase"), id: z.string() }),
]);

export type LoaderCommand = z.output<typeof loaderCommandSchema>;
/** As an operator's side writes it: what has a default may be left out. */
export type LoaderRequest = z.input<typeof loaderCommandSchema>;
export type CommandName = LoaderCommand["command"];
export type CommandOf<N extends CommandName> = Extract<LoaderCommand, { command: N }>;

/** What a command answers when it was carried out; `ok` comes with it. */
export interface LoaderAnswers {
  readonly status: LoaderStatus;
  readonly schema: LoaderSchema;
  /** The table, where it is one of this loader's. */
  readonly reload: { readonly tables: readonly TableReload[] };
  /** What waits then, of the table, where it is one of this loader's. */
  readonly retry: { readonly tables: readonly TableRetry[] };
  readonly skip: { readonly tables: readonly TableRefused[] };
  /** The table, where it is one of this loader's, or all of them. */
  readonly pause: { readonly tables: readonly TablePause[] };
  readonly resume: { readonly tables: readonly TablePause[] };
  readonly match: { readonly tables: readonly TableMatch[] };
  readonly erase: { readonly tables: readonly TableErasure[] };
  readonly audit: { readonly tables: readonly TableSums[] };
}

export type LoaderAnswer<N extends CommandName = CommandName> =
  | ({ readonly ok: true } & LoaderAnswers[N])
  | { readonly ok: false; readonly error: LoaderRefusal };

/** Why a command was not carried out, where the loader expects that it may be so. */
export interface LoaderRefusal {
  readonly code: string;
  readonly message: string;
  /** What a person can do. */
  readonly hint?: string;
}

/** How the tables differ from the configuration. */
export interface LoaderSchema {
  readonly tables: readonly TableSchema[];
}

export interface TableSchema {
  /** "schema.table" */
  readonly table: string;
  /** What the loader does before the next load, or has done where it was to apply them. */
  readonly changes: readonly TableChange[];
  /** What the configuration asks for and the loader does not do, or was refused. */
  readonly refused: readonly TableRefusal[];
}

export interface TableChange {
  readonly kind: "create-table" | "add-column" | "widen-column" | "view" | "grant";
  /** Column, view or reader. */
  readonly subject: string;
  readonly sql: string;
}

export interface TableRefusal {
  readonly subject: string;
  readonly reason: string;
  /** Nothing is loaded into the table until it is gone. */
  readonly stops: boolean;
  /** What a person can do, and the SQL for it, in order. */
  readonly wayOut: string;
  readonly sql: readonly string[];
}

export interface TableMatch {
  /** "schema.table" */
  readonly table: string;
  /** Absent where the condition does not speak of the table's columns, or the table is not there. */
  readonly rows?: number;
}

export interface TableErasure {
  readonly table: string;
  readonly condition: "erased" | "erasing" | "failed";
  readonly error?: string;
  /** A load that was planned before the erasure, and may read objects that it replaces. */
  readonly openLoad?: string;
}

type LogPlace = Readonly<z.output<typeof logPlaceSchema>>;

export interface TableReload {
  /** "schema.table" */
  readonly table: string;
  /** Where the log is read from. */
  readonly cursor: LogPlace;
}

/** Objects that the warehouse refused, and their rows, as many as wait. */
export interface TableRefused {
  /** "schema.table" */
  readonly table: string;
  readonly objects: number;
  readonly rows: number;
}

export interface TablePause {
  /** "schema.table" */
  readonly table: string;
  /** Absent where loads go on. */
  readonly paused?: PauseStatus;
}

/** Since when, by whom and why no load begins. */
export interface PauseStatus {
  readonly since: string;
  readonly by?: string;
  readonly reason?: string;
}

export interface TableRetry extends TableRefused {
  /** A load of it had failed, and would have waited. */
  readonly load?: true;
}

/** How far each table is. */
export interface LoaderStatus {
  readonly tables: readonly TableStatus[];
}

/** What a table does: `unconfigured` where the state has it and no log type names it any more. */
export type TableCondition = "loaded" | "waiting" | "loading" | "failed" | "paused" | "unconfigured";

export interface TableStatus {
  /** "schema.table" */
  readonly table: string;
  readonly condition: TableCondition;
  /** The condition and what else there is to know, as a sentence. */
  readonly text: string;
  readonly cursor: LogPlace;
  /** Age of the oldest commit that is not loaded, 0 where none is known. */
  readonly lagSeconds: number;
  readonly load?: OpenLoadStatus;
  /** Loads of it are paused; one that runs nevertheless makes it "loading". */
  readonly paused?: PauseStatus;
  /** Commits that could not be read and are tried again: intervals [from, to) of the log. */
  readonly setAside: readonly SetAsideStatus[];
  /** Objects that the warehouse refuses: they are set aside with its words, in weir.set_aside, and tried again. */
  readonly refused?: RefusedStatus;
  /** Why rows that are to be erased are still there. */
  readonly erasureFailure?: FailureStatus;
}

interface RefusedStatus {
  readonly objects: number;
  readonly rows: number;
  readonly since: string;
  readonly notBefore: string;
}

interface FailureStatus {
  readonly error: string;
  /** In a row. */
  readonly count: number;
  /** When it is tried again. */
  readonly notBefore: string;
}

/** A load that is planned, and perhaps submitted, and whose end nobody has seen. */
interface OpenLoadStatus {
  readonly id: string;
  readonly path: "fast" | "slow";
  /** Rises with each statement that is known to have failed. */
  readonly attempt: number;
  readonly rows: number;
  readonly bytes: number;
  readonly plannedAt: string;
  /** Of the Redshift Data API, once it has taken the load. */
  readonly statementId?: string;
  readonly failure?: FailureStatus;
}

interface SetAsideStatus {
  readonly from: LogPlace;
  readonly to: LogPlace;
  readonly commits: number;
  /** Minute of the oldest of them, as far as their keys tell. */
  readonly oldestAt?: string | undefined;
}

/** What the ledger says of a table, and what the table says. Rows, where nothing else is named. */
export interface TableSums {
  /** "schema.table" */
  readonly table: string;
  /** Names of the types whose rows it takes. */
  readonly types: readonly string[];
  /** The table begins with what arrived at this time. */
  readonly since?: string;
  /** The interval of the log that the sums below are of, as the ledger has it. */
  readonly from: LogPlace;
  readonly to: LogPlace;
  /** Intervals of the log that are tried again: of some types, or of all. */
  readonly unread: readonly {
    readonly from: LogPlace;
    readonly to: LogPlace;
    readonly types?: readonly string[] | undefined;
  }[];
  /** Loads of commits that are read for the first time. */
  readonly loads: LoadSums;
  /** Loads of objects that were set aside before. */
  readonly retries: LoadSums;
  /** Of all that the ledger knows, wherever it is in the log. */
  readonly ledger: {
    readonly inserted: number;
    /** That somebody had taken out of the table when it was loaded anew. */
    readonly removed: number;
    /** That erasures have deleted. */
    readonly erased: number;
    /** That erasures of earlier releases may have deleted, at most. */
    readonly erasedAtMost: number;
  };
  /** Rows of objects that the warehouse has refused. */
  readonly refused: { readonly waiting: number; readonly skipped: number; readonly gone: number };
  /** In the table; absent where there is none. */
  readonly rows?: number;
  /** Rows by the id of their source, of those that were asked for and have any. */
  readonly sources?: Readonly<Record<string, number>>;
  /** Why it does not go on, where it does not without a person. */
  readonly failure?: string;
}

export interface LoadSums {
  readonly loads: number;
  readonly staged: number;
  readonly inserted: number;
  /** That the warehouse has refused, and that were left out. */
  readonly setAside: number;
  /** That were inserted beside another row of their place. */
  readonly conflicting: number;
}
