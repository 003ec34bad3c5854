import * as z from "zod";
import { cursorSchema, LOG_BEGINNING } from "../../commit-log/cursor.ts";
import type { DataApi } from "../data-api.ts";
import { bounded } from "../set-aside.ts";
import { setAsideSchema, type TableState } from "../state.ts";
import { quoteText, tableSql, type Target } from "../target.ts";
import { type LastLoad, NO_LOAD } from "./last-load.ts";

/** Where a table goes on after a load. The ledger has it with the load, so that the state can be made from it. */
const resumeSchema = z.object({ cursor: cursorSchema, setAside: z.array(setAsideSchema) });

type Resume = z.output<typeof resumeSchema>;

/** Intervals of the log that the ledger has of a table at most: each takes some 150 bytes of a load's SQL. */
const RESUME_MAX_SET_ASIDE = 20;

export function resumeText({ cursor, setAside }: Resume): string {
  return JSON.stringify({ cursor, setAside: bounded(setAside, RESUME_MAX_SET_ASIDE) });
}

/** What the ledger says of a table. One question, and one row of answer. */
export async function readLastLoad(
  { name }: Target,
  api: DataApi,
): Promise<Pick<TableState, "cursor" | "setAside"> & { readonly last: LastLoad }> {
  const [row] = await api.ask([
    `SELECT load_id, number, resume, rows_inserted, ${textOf("arrived_from")}, ${textOf("arrived_to")}
FROM weir.loads WHERE target = ${quoteText(name)} AND number IS NOT NULL ORDER BY number DESC LIMIT 1`,
  ]);
  if (row === undefined) return { cursor: LOG_BEGINNING, setAside: [], last: NO_LOAD };
  const [id, number, resume, inserted, from, to] = row;
  const arrived = Number(inserted) > 0 && from !== undefined && { from: String(from), to: String(to) };
  const last = { id: String(id), number: Number(number), ...(arrived && { arrived }) };
  return { ...parseResume(String(resume)), last };
}

export const parseResume = (text: string): Resume => resumeSchema.parse(JSON.parse(text));

const textOf = (column: string): string => `to_char(${column}, 'YYYY-MM-DD HH24:MI:SS.MS')`;

/**
 * Whether the table has rows that arrived later than all that its ledger knows: then the ledger alone was restored, or
 * somebody else has put them there.
 */
export async function hasUnknownRows(target: Target, api: DataApi): Promise<boolean> {
  try {
    const [[rows] = []] = await api.ask([
      `SELECT count(*) FROM (SELECT 1 AS one FROM ${tableSql(target)} WHERE "_arrived_at" >
  (SELECT max(arrived_to) FROM weir.loads WHERE target = ${quoteText(target.name)}) LIMIT 1) found`,
    ]);
    return Number(rows) > 0;
  } catch (error) {
    // A table that is not there has none.
    if (/does not exist/i.test((error as Error).message)) return false;
    throw error;
  }
}
