import { copySql, type Storage } from "../copy-sql.ts";
import { named } from "../load-statement.ts";
import type { OpenLoad } from "../open-load.ts";
import { copyRowsSql } from "../rows-sql.ts";
import { columnsSql, namesColumns, tableSql, type Target } from "../target.ts";

/**
 * Reads some of a load's objects into a temporary table, and leaves nothing behind: stage · control · COPY · count.
 *
 * The control is one row of ours. Where not even that can be copied, the objects are not at fault. MAXERROR lets COPY
 * go on after what it refuses, so that it names all of it; then the count fails.
 */
export function probeSql(load: OpenLoad, target: Target, storage: Storage): string[] {
  const staged = namesColumns(target) ? `staged (${columnsSql(target)})` : "staged";
  return [
    named("stage", `CREATE TEMP TABLE staged (LIKE ${tableSql(target)})`),
    named("control", copySql(staged, controlKey(load), "", storage)),
    ...copyRowsSql(load.search!.probe!, staged, storage, MAX_ERRORS),
  ];
}

/** The most that COPY takes. COPY reference, read 2026-11 */
const MAX_ERRORS = 100_000;

export const controlKey = ({ id }: Pick<OpenLoad, "id">): string => `loads/${id}/control.ndjson`;

/** A row with what no row may lack. */
export const CONTROL = `${JSON.stringify({
  _time: "2000-01-01 00:00:00",
  _src: "control",
  _off: 0,
  _arrived_at: "2000-01-01 00:00:00",
})}\n`;
