import * as z from "zod";
import { cursorSchema } from "../commit-log/cursor.ts";
import { lastLoadSchema } from "./ledger/last-load.ts";
import { faultSearchSchema } from "./set-aside/fault-search.ts";

const count = z.int().min(0);
const instant = z.iso.datetime();
const file = z.strictObject({ key: z.string(), rows: count });
/** One COPY each: one COPY reads one codec. */
const manifests = z.array(file.extend({ codec: z.enum(["zstd", "gzip"]) }));

/** A load that is planned, and perhaps submitted, and whose end nobody has seen. Part of the loader's state. */
export const openLoadSchema = z.strictObject({
  /** Derived from the table and its commits: the same load planned twice has one id. */
  id: z.string(),
  path: z.enum(["fast", "slow"]),
  /** Part of the ClientToken; rises when a statement is known to have failed. */
  attempt: count,
  plannedAt: instant,
  oldestCommitAt: instant,
  /** The interval [from, to) of the log whose commits it holds; absent in a load from before there was a log. */
  log: z.strictObject({ from: cursorSchema, to: cursorSchema }).optional(),
  rows: count,
  bytes: count,
  /** Of the lake's erasures, how many there were when it was planned, and how many the table had had. */
  erasures: z.strictObject({ listed: count, applied: count }).optional(),
  manifests,
  commits: file,
  /** Of these, the ones with rows without provenance. Absent in a load of an earlier release. */
  foreignCommits: count.optional(),
  ranges: file,
  /** _arrived_at of its rows, as SQL has it; absent in a load of an earlier release. */
  arrived: z.strictObject({ from: z.string(), to: z.string() }).optional(),
  /** The load that it follows in the ledger; absent where the state does not name one. See state.ts. */
  last: lastLoadSchema.optional(),
  /** Its own number, once it was submitted. */
  number: count.optional(),
  /** For the ledger: where the table goes on after it. See ledger/resume.ts. */
  resume: z.string().optional(),
  /** Somebody was told that rows of the load before are gone from the table. */
  lacksRows: z.literal(true).optional(),
  /** The table has rows that the ledger knows nothing of: the load makes it a ledger. */
  seed: z.literal(true).optional(),
  /** Names of its statements, in order: what SubStatements say of a batch is read by them. */
  statements: z.array(z.string()).optional(),
  /** The objects that it was planned with, a line each; absent in a load of an earlier release. */
  objects: file.optional(),
  /** Those of them that the warehouse refuses, and that it leaves out and sets aside. */
  refused: file.optional(),
  /** How the warehouse's refusal is looked into, and the manifests of what is probed now. */
  search: faultSearchSchema.extend({ probe: manifests.optional() }).optional(),
  /** Names of objects that were set aside before, and that it tries again. */
  retries: file.optional(),
  /** Fingerprint of the columns that cover all fields of its rows; absent: nobody knows. */
  columns: z.string().optional(),
  /** Of its objects, from the first on, that were looked at since the table has these columns. */
  fitting: z.strictObject({ columns: z.string(), objects: count }).optional(),
  /** It was planned before, and did not fit the lake. See replan.ts. */
  replanned: z.literal(true).optional(),
  /** Absent until the warehouse has taken it. */
  statementId: z.string().optional(),
  submittedAt: instant.optional(),
  /** When the statement was to be cancelled, since it took too long. */
  cancelledAt: instant.optional(),
  failure: z
    .strictObject({
      error: z.string(),
      /** In a row. */
      count,
      notBefore: instant,
      /** Names the table's configuration then: a changed one is tried at once. */
      fingerprint: z.string(),
    })
    .optional(),
});

export type OpenLoad = z.output<typeof openLoadSchema>;
