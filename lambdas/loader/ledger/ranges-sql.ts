import { named } from "../load-statement.ts";
import type { OpenLoad } from "../open-load.ts";
import { rangesTableSql, type Target } from "../target.ts";

export const RANGE_COLUMNS = "src, from_off, to_off, arrived_from, arrived_to";

/** How far back in arrival ranges are kept as they came. Later than this, hardly any hole of a source is filled. */
const YOUNG = "INTERVAL '2 hours'";

/**
 * The ranges of sources as few: what arrived in the last two hours of each, by where it is, and one for all that
 * arrived before. So a source that is read on and on has two. The young one is apart so that a line which comes again is
 * mostly looked for among the rows of two hours. Of the old ones, the holes are taken for ranges as well: a line that
 * fills one is compared with the table, and delivered.
 *
 * @param ranges a SELECT of src, from_off, to_off, arrived_from, arrived_to, loaded_at; so is the answer
 */
export const mergedRanges = (
  ranges: string,
): string => `SELECT src, min(from_off) AS from_off, max(to_off) AS to_off,
  min(arrived_from) AS arrived_from, max(arrived_to) AS arrived_to, max(loaded_at) AS loaded_at
FROM (
  SELECT src, from_off, to_off, arrived_from, arrived_to, loaded_at, is_old,
    sum(CASE WHEN is_old = 1 OR from_off <= reach THEN 0 ELSE 1 END) OVER (
      PARTITION BY src, is_old ORDER BY from_off, to_off ROWS UNBOUNDED PRECEDING) AS island
  FROM (
    SELECT src, from_off, to_off, arrived_from, arrived_to, loaded_at, is_old,
      max(to_off) OVER (PARTITION BY src, is_old ORDER BY from_off, to_off
        ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS reach
    FROM (
      SELECT src, from_off, to_off, arrived_from, arrived_to, loaded_at,
        CASE WHEN arrived_from < max(arrived_to) OVER (PARTITION BY src) - ${YOUNG} THEN 1 ELSE 0 END AS is_old
      FROM (${ranges}) every_range
    ) aged
  ) reaching
) islands GROUP BY src, is_old, island`;

/**
 * Puts a load's ranges into the ledger, together with what it has of their sources, and forgets sources from which
 * nothing came for long. Only the load that holds the table's lock does so, in its transaction.
 */
export function recordRangesSql({ ranges }: OpenLoad, target: Target): string[] {
  if (ranges.rows === 0) return [];
  const table = rangesTableSql(target);
  const isTouched = "src IN (SELECT src FROM new_ranges)";
  const every = `SELECT src, from_off, to_off, arrived_from, arrived_to, getdate() AS loaded_at FROM new_ranges
    UNION ALL SELECT src, from_off, to_off, arrived_from, arrived_to, loaded_at FROM ${table} WHERE ${isTouched}`;
  return [
    named("merged-ranges", `CREATE TEMP TABLE merged_ranges AS\n${mergedRanges(every)}`),
    named(
      "forget-ranges",
      `DELETE FROM ${table} WHERE ${isTouched} OR loaded_at < getdate() - INTERVAL '${target.ledgerDays} days'`,
    ),
    named(
      "ledger-ranges",
      `INSERT INTO ${table} (src, from_off, to_off, arrived_from, arrived_to, loaded_at)
SELECT src, from_off, to_off, arrived_from, arrived_to, loaded_at FROM merged_ranges`,
    ),
  ];
}
