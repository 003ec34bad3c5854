import * as z from "zod";
import { LoaderError } from "./loader-error.ts";

/**
 * What the loader remembers between ticks, in `loads/state.json`. For each table:
 *
 * - every commit whose key sorts before `cursor` is claimed, and so is each in `claimed`;
 * - a claimed commit is loaded, has nothing for the table, is part of `load`, or is `setAside`.
 *
 * Each saved state keeps this by itself, so it does not matter which of two loaders saves last.
 */
const count = z.int().min(0);
const instant = z.iso.datetime();
const file = z.strictObject({ key: z.string(), rows: count });

const openLoad = z.strictObject({
  /** Derived from the table and its commits: the same load planned twice has one id. */
  id: z.string(),
  path: z.enum(["fast", "slow"]),
  /** Part of the ClientToken; rises when a statement is known to have failed. */
  attempt: count,
  plannedAt: instant,
  oldestCommitAt: instant,
  rows: count,
  bytes: count,
  /** One COPY each: one COPY reads one codec. */
  manifests: z.array(file.extend({ codec: z.enum(["zstd", "gzip"]) })),
  commits: file,
  ranges: file,
  /** Absent until the warehouse has taken it. */
  statementId: z.string().optional(),
  submittedAt: instant.optional(),
  failure: z
    .strictObject({
      error: z.string(),
      /** In a row. */
      count,
      notBefore: instant,
      /** Of the table's configuration then: a changed one is tried at once. */
      fingerprint: z.string(),
    })
    .optional(),
});

const tableState = z.strictObject({
  cursor: z.string(),
  claimed: z.array(z.string()),
  /** Commits that could not be read; tried again on every claim. */
  setAside: z.array(z.string()),
  /** The last claim stopped at its limits: more is there already. */
  backlog: z.boolean(),
  /** Fingerprint of the configuration that the table was last made to fit. */
  prepared: z.string().optional(),
  load: openLoad.optional(),
});

const stateSchema = z.strictObject({ version: z.literal(1), tables: z.record(z.string(), tableState) });

export type LoaderState = z.output<typeof stateSchema>;
export type TableState = z.output<typeof tableState>;
export type OpenLoad = z.output<typeof openLoad>;

export const STATE_KEY = "loads/state.json";

/** A table that has never been loaded begins with the lake's first commit. */
export const newTable = (): TableState => ({ cursor: "", claimed: [], setAside: [], backlog: false });

/** @throws LoaderError BAD_STATE */
export function parseState(json: string | undefined): LoaderState {
  if (json === undefined) return { version: 1, tables: {} };
  try {
    return stateSchema.parse(JSON.parse(json));
  } catch (cause) {
    const hint = "delete it to claim every commit anew: the ledger keeps loaded ones from loading twice";
    throw new LoaderError("BAD_STATE", `${STATE_KEY} cannot be read`, hint, { cause });
  }
}
