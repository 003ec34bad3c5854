import type { DataApi } from "./data-api.ts";
import type { Lake } from "./lake.ts";
import type { Storage } from "./load-sql.ts";
import type { ConflictExample } from "./load-conflicts.ts";
import type { TableState } from "./state.ts";

/** What the steps of a load work with. */
export interface LoadParts {
  readonly lake: Lake;
  readonly api: DataApi;
  readonly storage: Storage;
  /** How long a load may take before it is cancelled, and each statement of it before it ends by itself. */
  readonly loadTimeoutMinutes?: number;
  readonly now: () => Date;
  readonly log: Log;
}

/** The part of Powertools' logger that is used. */
export interface Log {
  info(message: string, fields: Record<string, unknown>): void;
  warn(message: string, fields: Record<string, unknown>): void;
  error(message: string, fields: Record<string, unknown>): void;
}

/** What a load did. Of one whose end nobody saw, there is no more than what was planned. */
export interface LoadNumbers {
  /** Inserted into the table. */
  readonly rows: number;
  /** Of its objects, compressed. */
  readonly bytes: number;
  /** From submission to its end, as the warehouse tells it. */
  readonly seconds?: number;
  /** Rows left out, since the table has them already. */
  readonly duplicates?: number;
  /** Rows at the place of another one with other bytes: both are kept. */
  readonly conflicts?: number;
  /** Rows left out, since they were erased on purpose. */
  readonly erased?: number;
}

/** One thing that happened to a load and counts. */
export type LoadEvent =
  | ({
      readonly kind: "loaded";
      readonly table: string;
      readonly conflict?: ConflictExample | undefined;
    } & LoadNumbers)
  | { readonly kind: "failed"; readonly table: string; readonly error: string }
  /** The ledger's last load was not the state's, by their numbers: the table goes on from what the ledger says. */
  | { readonly kind: "diverged"; readonly table: string; readonly ledger: number; readonly state: number }
  /** The table lacks the rows of its last load: somebody dropped it, emptied it, or restored it. */
  | { readonly kind: "rows-gone"; readonly table: string; readonly isMissing: boolean }
  /** The table has rows, and the ledger has no load. */
  | { readonly kind: "unknown-rows"; readonly table: string }
  /** Objects that the warehouse refuses were left out of a load, and wait in weir.set_aside. */
  | {
      readonly kind: "set-aside";
      readonly table: string;
      readonly objects: number;
      readonly rows: number;
      /** Of the first of them, in the warehouse's own words. */
      readonly error: string;
    }
  /** The log has rows whose type nobody knows: they are held. */
  | { readonly kind: "held"; readonly type: string; readonly rows: number; readonly commits: number };

export interface Step {
  readonly state: TableState;
  readonly events: readonly LoadEvent[];
  /** The warehouse is away: why it is thought so. */
  readonly away?: string;
}
