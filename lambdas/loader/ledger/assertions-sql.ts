import { named } from "../load-statement.ts";
import type { LastLoad } from "./last-load.ts";
import type { OpenLoad } from "../open-load.ts";
import { lockTableSql, quoteText, rangesTableSql, tableSql, type Target } from "../target.ts";

/**
 * What must hold before a load brings rows in. The lock comes first. Redshift takes a transaction's snapshot at its
 * first SELECT or DML; taken before the lock is held, it would not show what another load has just committed.
 */
export function assertionsSql(load: OpenLoad, target: Target): string[] {
  return [
    named("lock", `LOCK TABLE ${lockTableSql(target)}`),
    // A ledger that has no load has not this one.
    ...(load.seed && load.last?.number === 0 ? [] : [named("not-loaded", notLoadedSql(load, target))]),
    named("last-load", followsSql(load.last, target)),
    ...tableRowsSql(load, target).map((sql) => named("table-rows", sql)),
  ];
}

/** What the fast path asserts besides: that there is nothing to compare. */
export const noOverlapSql = (target: Target): string[] => [
  named("no-overlap", none(`SELECT count(*) AS n FROM (${overlappingRanges(target)}) overlapping`)),
  named("no-foreign-overlap", none(`SELECT count(*) AS n FROM ${overlappingCommits(target)}`)),
];

/** A load of the same commits may be there from before the table was loaded anew: that one has an earlier number. */
function notLoadedSql({ id, last, number }: OpenLoad, { name }: Target): string {
  const same = `load_id = ${quoteText(id)} AND target = ${quoteText(name)}`;
  const isThis = last === undefined ? "" : ` AND number = ${number}`;
  return none(`SELECT count(*) AS n FROM weir.loads WHERE ${same}${isThis}`);
}

/**
 * Asserts that what the state says is what the ledger says. A state of an earlier release does not name its last
 * load: then there is one that has no number yet.
 */
export function followsSql(last: LastLoad | undefined, { name }: Target): string {
  const { id, number } = last ?? { id: "", number: 0 };
  const known =
    last === undefined
      ? "number IS NULL"
      : number === 0
        ? undefined
        : `number = ${number} AND load_id = ${quoteText(id)}`;
  const isKnown = known === undefined ? "1" : `max(CASE WHEN ${known} THEN 1 ELSE 0 END)`;
  return `SELECT 1 / CASE WHEN later = 0 AND known = 1 THEN 1 ELSE 0 END FROM (
  SELECT count(CASE WHEN number > ${number} THEN 1 END) AS later, ${isKnown} AS known
  FROM weir.loads WHERE target = ${quoteText(name)}) found`;
}

/**
 * The table has rows of the last load: whoever dropped it, emptied it, or restored it from a copy took them away. And
 * one that has rows has a ledger.
 */
function tableRowsSql({ last, lacksRows, seed }: OpenLoad, target: Target): string[] {
  if (lacksRows || seed || (last !== undefined && last.number > 0 && last.arrived === undefined)) return [];
  const { from, to } = last?.arrived ?? {};
  const where =
    from === undefined ? "" : ` WHERE "_arrived_at" BETWEEN ${quoteText(from)} AND ${quoteText(to!)}`;
  const rows = `(SELECT count(*) AS n FROM (SELECT 1 AS one FROM ${tableSql(target)}${where} LIMIT 1) found) rows_there`;
  if (from !== undefined) return [`SELECT 1 / CASE WHEN n > 0 THEN 1 ELSE 0 END FROM ${rows}`];
  const loads = `(SELECT count(*) AS loads FROM weir.loads WHERE target = ${quoteText(target.name)} AND rows_inserted > 0) ledger`;
  const holds = last === undefined ? "n > 0 OR loads = 0" : "n = 0 OR loads > 0";
  return [`SELECT 1 / CASE WHEN ${holds} THEN 1 ELSE 0 END FROM ${rows}, ${loads}`];
}

/** Holds where there is none. @param countSql counts them as n */
export const none = (countSql: string): string =>
  `SELECT 1 / CASE WHEN n = 0 THEN 1 ELSE 0 END FROM (${countSql}) found`;

/**
 * Ranges of the ledger that a new range overlaps: one that begins before it, or where it does, and reaches into it,
 * or the next one after it that begins before its end. Sorted once and gone through, since a join would compare
 * each range of a source with each other one, and how many there are is for producers to decide.
 */
export const overlappingRanges = (
  target: Target,
): string => `SELECT src, from_off, to_off, arrived_from, arrived_to FROM (
  SELECT src, arrived_from, arrived_to, is_known, from_off, to_off,
    max(CASE WHEN is_known = 0 THEN to_off END) OVER (
      PARTITION BY src ORDER BY from_off, is_known ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS reach,
    min(CASE WHEN is_known = 0 THEN from_off END) OVER (
      PARTITION BY src ORDER BY from_off DESC, is_known ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS next_off
  FROM (
    SELECT src, from_off, to_off, arrived_from, arrived_to, 0 AS is_known FROM new_ranges
    UNION ALL SELECT src, from_off, to_off, arrived_from, arrived_to, 1 AS is_known FROM ${rangesTableSql(target)}
    WHERE src IN (SELECT src FROM new_ranges)
  ) ranges
) swept WHERE is_known = 1 AND (reach > from_off OR next_off < to_off)`;

export const overlappingCommits = ({ name }: Target): string =>
  `weir.commits l JOIN new_commits n ON l.shard_id = n.shard_id AND l.first_seq <= n.last_seq ` +
  `AND n.first_seq <= l.last_seq AND l.foreign_rows > 0 AND n.foreign_rows > 0 ` +
  `WHERE l.target = ${quoteText(name)}`;
