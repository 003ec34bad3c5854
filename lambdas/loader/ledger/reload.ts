import type { Cursor } from "../../commit-log/cursor.ts";
import { compareCursors } from "../../commit-log/cursor.ts";
import type { LoadParts } from "../load.ts";
import { LoaderError } from "../loader-error.ts";
import { readyTable } from "../schema/ready-table.ts";
import { newTable, type TableState } from "../state.ts";
import { lockTableSql, quoteText, rangesTableSql, tableSql, type Target } from "../target.ts";
import { followsSql } from "./assertions-sql.ts";
import type { LastLoad } from "./last-load.ts";
import { readLastLoad, resumeText } from "./resume.ts";

/** A load may end between the question and the transaction. */
const ATTEMPTS = 3;

/**
 * Has a table read the log again from here: what it has is compared, and what it lacks is loaded. A table without any
 * row has nothing to compare, so its ranges are forgotten.
 *
 * The ledger knows of it by a row of weir.loads like that of a load. So it stands even where the state is lost, a load
 * that is under way meanwhile is refused, and loads of the same commits as before are other loads.
 *
 * @returns the table's state, to be saved
 * @throws LoaderError
 */
export async function reload(
  state: TableState,
  target: Target,
  from: Cursor,
  parts: LoadParts,
): Promise<TableState> {
  const { api, now, log } = parts;
  // Somebody may have dropped it, whatever it was last made to fit.
  const prepared = await readyTable(undefined, target, parts);
  const setAside = state.setAside.filter(({ to }) => compareCursors(to, from) <= 0);
  for (let attempt = 1; ; attempt++) {
    const { last: before } = await readLastLoad(target, api);
    const last = { id: `reload-${now().toISOString()}`, number: before.number + 1 };
    const resume = resumeText({ cursor: from, setAside });
    try {
      await api.runAll(reloadSql(target, before, last, resume));
    } catch (error) {
      if (attempt === ATTEMPTS || !isRefused(error)) throw error;
      continue;
    }
    log.info("the log is read again", { table: target.name, from, last });
    const { refused, erasures } = state;
    const kept = { ...(refused && { refused }), ...(erasures && { erasures }) };
    return {
      ...newTable(),
      ...kept,
      prepared,
      last,
      cursor: from,
      setAside,
      backlog: true,
    };
  }
}

const isRefused = (error: unknown): boolean =>
  error instanceof LoaderError && error.code === "STATEMENT" && /division? by zero/i.test(error.message);

/** Rows that loads have brought, less those that the table had no more by an earlier reload. */
const LOADED = "coalesce(sum(rows_inserted), 0) - coalesce(sum(rows_removed), 0)";

function reloadSql(target: Target, before: LastLoad, { id, number }: LastLoad, resume: string): string[] {
  const name = quoteText(target.name);
  const isEmpty = `(SELECT count(*) FROM (SELECT 1 AS one FROM ${tableSql(target)} LIMIT 1) found) = 0`;
  return [
    `LOCK TABLE ${lockTableSql(target)}`,
    followsSql(before, target),
    `DELETE FROM ${rangesTableSql(target)} WHERE ${isEmpty}`,
    `DELETE FROM weir.commits WHERE target = ${name} AND ${isEmpty}`,
    `INSERT INTO weir.loads (load_id, target, path, rows_staged, rows_inserted, loaded_at, number, resume, rows_removed)
SELECT ${quoteText(id)}, ${name}, 'none', 0, 0, getdate(), ${number}, ${quoteText(resume)},
  (SELECT ${LOADED} FROM weir.loads WHERE target = ${name}) -
  (SELECT coalesce(sum(rows_erased), 0) FROM weir.erasures WHERE target = ${name}) -
  (SELECT count(*) FROM ${tableSql(target)})`,
  ];
}
