import { named } from "../load-statement.ts";
import type { OpenLoad } from "../open-load.ts";
import { quoteText, type Target } from "../target.ts";

/**
 * What the warehouse knows of erasures:
 *
 * weir.erasures     one row an erasure that a table has had
 * weir.erased_rows  a row for each place that was erased from a table, and that is to stay empty
 *
 * A row at an erased place is the erased one if it has the same `_crc`, or if one of the two has none. Another line
 * that claims the place is not, and is delivered.
 */

/**
 * Counts the erased places of a table within what a load brings: in its ranges, which are sorted once and gone through
 * (see load-sql.ts), and, of rows without provenance, in its batches that have such rows.
 */
export const erasedCountSql = ({ name }: Target): string => `SELECT (SELECT count(*) FROM (
  SELECT is_erased, from_off, max(to_off) OVER (
    PARTITION BY src ORDER BY from_off, is_erased ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS reach
  FROM (
    SELECT src, from_off, to_off, 0 AS is_erased FROM new_ranges
    UNION ALL SELECT src, "off", "off", 1 AS is_erased FROM weir.erased_rows
    WHERE target = ${quoteText(name)} AND src IN (SELECT src FROM new_ranges)
  ) places
) swept WHERE is_erased = 1 AND reach > from_off) + (SELECT count(*) FROM weir.erased_rows e
  JOIN new_commits n ON e.shard_id = n.shard_id AND e.seq BETWEEN n.first_seq AND n.last_seq AND n.foreign_rows > 0
  WHERE e.target = ${quoteText(name)}) AS n`;

/** Takes out of a temporary table, which is like the target, what is not to come again. */
export const leaveOutErasedSql = (table: string, { name }: Target): string =>
  `DELETE FROM ${table} USING weir.erased_rows
WHERE erased_rows.target = ${quoteText(name)} AND ${samePlaceSql("erased_rows", table)}`;

/** A warehouse that was restored or replaced may lack erasures: the lake has them all. */
export function hasErasuresSql({ erasures }: OpenLoad, { name }: Target): string[] {
  const applied = erasures?.applied ?? 0;
  if (applied === 0) return [];
  const had = `SELECT count(*) AS n FROM weir.erasures WHERE target = ${quoteText(name)}`;
  return [
    named("has-erasures", `SELECT 1 / CASE WHEN n >= ${applied} THEN 1 ELSE 0 END FROM (${had}) found`),
  ];
}

export const samePlaceSql = (places: string, rows: string): string =>
  `${places}.src = ${rows}."_src" AND ${places}."off" = ${rows}."_off"
  AND (${places}.crc = ${rows}."_crc" OR ${places}.crc IS NULL OR ${rows}."_crc" IS NULL)`;
