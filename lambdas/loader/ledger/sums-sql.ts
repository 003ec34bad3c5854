import type { Cursor } from "../../commit-log/cursor.ts";
import { quoteText, tableSql, type Target } from "../target.ts";

/** Which loads are added up, by their numbers and by where in the log they begin. */
export interface SummedLoads {
  /** Later than this one. */
  readonly after: number;
  readonly from: Cursor;
}

/** Makes one number of a place: a segment has at most 10,000 commits. */
export const PLACE_INDEXES = 2 ** 20;

const place = "from_segment * CAST(1048576 AS bigint) + from_index";
const IS_RETRY = "from_segment = to_segment AND from_index = to_index";

/**
 * What the ledger says of a table, and how many rows the table has, as one row: in one statement, so that all of it is
 * of one moment. Loads of what was set aside hold no interval of the log.
 *
 * @param countsRows false where the table is not there
 */
export function sumsSql(target: Target, { after, from }: SummedLoads, countsRows: boolean): string {
  const name = quoteText(target.name);
  const { segment, index } = from;
  const isSummed = `number > ${after} AND from_segment IS NOT NULL
    AND (from_segment > ${segment} OR (from_segment = ${segment} AND from_index >= ${index}))`;
  const sums = [`NOT (${IS_RETRY})`, IS_RETRY].flatMap((kind) => {
    const sum = (value: string): string =>
      `coalesce(sum(CASE WHEN ${isSummed} AND ${kind} THEN ${value} ELSE 0 END), 0)`;
    return [
      sum("1"),
      sum("rows_staged"),
      sum("rows_inserted"),
      sum("coalesce(rows_set_aside, 0)"),
      sum("coalesce(rows_conflicting, 0)"),
    ];
  });
  const state = (state: string): string =>
    `coalesce(sum(CASE WHEN state = '${state}' THEN rows ELSE 0 END), 0)`;
  return `SELECT ${Array.from({ length: 14 }, (_, i) => `l.c${i}`).join(", ")}, e.c0, e.c1, s.c0, s.c1, s.c2, t.c0, r.c0
FROM (SELECT ${columns([
    ...sums,
    `min(CASE WHEN ${isSummed} AND NOT (${IS_RETRY}) THEN ${place} END)`,
    "count(CASE WHEN number IS NULL THEN 1 END)",
    "coalesce(sum(rows_inserted), 0)",
    "coalesce(sum(rows_removed), 0)",
  ])} FROM weir.loads WHERE target = ${name}) l,
  (SELECT ${columns([
    "coalesce(sum(rows_erased), 0)",
    "coalesce(sum(CASE WHEN rows_erased IS NULL THEN places ELSE 0 END), 0)",
  ])} FROM weir.erasures WHERE target = ${name}) e,
  (SELECT ${columns(["waiting", "skipped", "gone"].map(state))} FROM weir.set_aside WHERE target = ${name}) s,
  (SELECT ${countsRows ? `count(*) AS c0 FROM ${tableSql(target)}` : "0 AS c0"}) t,
  (SELECT max(resume) AS c0 FROM weir.loads
    WHERE target = ${name} AND number = (SELECT max(number) FROM weir.loads WHERE target = ${name})) r`;
}

const columns = (values: readonly string[]): string =>
  values.map((value, i) => `${value} AS c${i}`).join(", ");

/** Rows of some sources, by their ids. */
export const sourceRowsSql = (target: Target, sources: readonly string[]): string =>
  `SELECT "_src", count(*) FROM ${tableSql(target)} WHERE "_src" IN (${sources.map(quoteText).join(", ")}) GROUP BY "_src"`;

/** The last reload's number, and where it had the table go on. */
export const lastReloadSql = ({ name }: Target): string =>
  `SELECT number, resume FROM weir.loads WHERE target = ${quoteText(name)} AND path = 'none' ORDER BY number DESC LIMIT 1`;
