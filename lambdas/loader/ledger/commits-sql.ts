import { named } from "../load-statement.ts";
import type { OpenLoad } from "../open-load.ts";
import { quoteText, type Target } from "../target.ts";

export const COMMIT_COLUMNS =
  "batch_id, shard_id, first_seq, last_seq, rows, foreign_rows, arrived_from, arrived_to";

/**
 * Puts a load's commits with foreign rows into the ledger; the others are known by their ranges. The fast path, which
 * has statements to spare, makes one of all that arrived more than two hours before: what comes again so late is
 * compared with the table. Batches of a shard do not interleave, so one that lies between two is rare.
 */
export function recordCommitsSql(load: OpenLoad, target: Target): string[] {
  const { id, foreignCommits, path } = load;
  if (foreignCommits === 0) return [];
  const values = `${quoteText(id)}, ${quoteText(target.name)}`;
  const columns = `load_id, target, ${COMMIT_COLUMNS}`;
  return [
    named(
      "ledger-commits",
      `INSERT INTO weir.commits (${columns}, loaded_at)
SELECT ${values}, ${COMMIT_COLUMNS}, getdate() FROM new_commits WHERE foreign_rows > 0`,
    ),
    ...(path === "fast" ? mergeOldSql(load, target, values) : []),
  ];
}

function mergeOldSql({ arrived }: OpenLoad, { name, ledgerDays }: Target, values: string): string[] {
  if (arrived === undefined) return [];
  const isOld = `target = ${quoteText(name)}
  AND arrived_from < CAST(${quoteText(arrived.to)} AS timestamp) - INTERVAL '2 hours'`;
  const loadedAt = "max(CASE WHEN loaded_at IS NULL THEN arrived_to ELSE loaded_at END)";
  return [
    named(
      "old-commits",
      `CREATE TEMP TABLE old_commits AS
SELECT shard_id, min(first_seq) AS first_seq, max(last_seq) AS last_seq, sum(rows) AS rows,
  sum(foreign_rows) AS foreign_rows, min(arrived_from) AS arrived_from, max(arrived_to) AS arrived_to, ${loadedAt} AS loaded_at
FROM weir.commits WHERE ${isOld} GROUP BY shard_id
HAVING ${loadedAt} > getdate() - INTERVAL '${ledgerDays} days'`,
    ),
    named("forget-commits", `DELETE FROM weir.commits WHERE ${isOld}`),
    named(
      "ledger-commits",
      `INSERT INTO weir.commits (load_id, target, ${COMMIT_COLUMNS}, loaded_at)
SELECT ${values}, 'several', shard_id, first_seq, last_seq, rows, foreign_rows, arrived_from, arrived_to, loaded_at
FROM old_commits`,
    ),
  ];
}
