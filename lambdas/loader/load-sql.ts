import { copySql, countSql, type Storage } from "./copy-sql.ts";
import { erasedCountSql, hasErasuresSql } from "./erasure/erased-rows.ts";
import { named } from "./load-statement.ts";
import type { OpenLoad } from "./open-load.ts";
import { fastRowsSql, rowCountsSql, slowRowsSql } from "./rows-sql.ts";
import { lockTableSql, quoteText, type Target } from "./target.ts";

export type { Storage } from "./copy-sql.ts";
export { statementName } from "./load-statement.ts";

/**
 * The one transaction of a load.
 *
 * fast:  lock · what is new · not loaded yet · overlaps nothing · COPY into the table · ledger
 * slow:  lock · what is new · not loaded yet · COPY into a temporary table · leave out what was erased · insert what is
 *        not there · ledger
 *
 * The lock comes first. Redshift takes a transaction's snapshot at its first SELECT or DML; taken
 * before the lock is held, it would not show what another load has just committed.
 */
export function loadSql(load: OpenLoad, target: Target, storage: Storage): string[] {
  const copies = newCommitsSql(load, storage);
  const lock = named("lock", `LOCK TABLE ${lockTableSql(target)}`);
  const rows = load.path === "fast" ? fastSql(load, target, storage) : slowSql(load, target, storage);
  const asserted = [notLoadedSql(load, target), ...hasErasuresSql(load, target)];
  return [lock, ...copies, ...asserted, ...rows, ...ledgerSql(load, target)];
}

const COMMIT_COLUMNS =
  "batch_id, shard_id, first_seq, last_seq, rows, foreign_rows, arrived_from, arrived_to";
const RANGE_COLUMNS = "src, from_off, to_off, arrived_from, arrived_to";

/** The load's commits and ranges come from the lake: a statement has 100 KB, a load may have more. */
function newCommitsSql({ commits, ranges }: OpenLoad, storage: Storage): string[] {
  const sql = [
    named(
      "new-commits",
      `CREATE TEMP TABLE new_commits (
  batch_id varchar(300), shard_id varchar(32), first_seq varchar(128), last_seq varchar(128),
  rows bigint, foreign_rows bigint, arrived_from timestamp, arrived_to timestamp)`,
    ),
    named("copy-commits", copySql(`new_commits (${COMMIT_COLUMNS})`, commits.key, "", storage)),
    countSql(commits.rows),
    named(
      "new-ranges",
      `CREATE TEMP TABLE new_ranges (
  src varchar(160), from_off bigint, to_off bigint, arrived_from timestamp, arrived_to timestamp)`,
    ),
  ];
  // Foreign rows alone have no ranges, and COPY of an empty object is not worth relying on.
  if (ranges.rows === 0) return sql;
  const copy = copySql(`new_ranges (${RANGE_COLUMNS})`, ranges.key, "", storage);
  return [...sql, named("copy-ranges", copy), countSql(ranges.rows)];
}

function fastSql(load: OpenLoad, target: Target, storage: Storage): string[] {
  return [
    named("no-overlap", none(`SELECT count(*) AS n FROM (${overlappingRanges(target)}) overlapping`)),
    named("no-foreign-overlap", none(`SELECT count(*) AS n FROM ${overlappingCommits(target)}`)),
    named("no-erased", none(erasedCountSql(target))),
    ...fastRowsSql(load, target, storage),
  ];
}

const slowSql = (load: OpenLoad, target: Target, storage: Storage): string[] =>
  slowRowsSql(load, target, storage, {
    ranges: overlappingRanges(target),
    foreign: `SELECT l.arrived_from, l.arrived_to FROM ${overlappingCommits(target)}`,
  });

function notLoadedSql({ id }: OpenLoad, { name }: Target): string {
  const loads = `weir.loads WHERE load_id = ${quoteText(id)} AND target = ${quoteText(name)}`;
  return named("not-loaded", none(`SELECT count(*) AS n FROM ${loads}`));
}

const none = (countSql: string): string =>
  `SELECT 1 / CASE WHEN n = 0 THEN 1 ELSE 0 END FROM (${countSql}) found`;

/**
 * Ranges of the ledger that a new range overlaps: one that begins before it, or where it does, and reaches into it,
 * or the next one after it that begins before its end. Sorted once and gone through, since a join would compare
 * each range of a source with each other one, and how many there are is for producers to decide.
 */
const overlappingRanges = ({
  name,
}: Target): string => `SELECT src, from_off, to_off, arrived_from, arrived_to FROM (
  SELECT src, arrived_from, arrived_to, is_known, from_off, to_off,
    max(CASE WHEN is_known = 0 THEN to_off END) OVER (
      PARTITION BY src ORDER BY from_off, is_known ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS reach,
    min(CASE WHEN is_known = 0 THEN from_off END) OVER (
      PARTITION BY src ORDER BY from_off DESC, is_known ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS next_off
  FROM (
    SELECT src, from_off, to_off, arrived_from, arrived_to, 0 AS is_known FROM new_ranges
    UNION ALL SELECT src, from_off, to_off, arrived_from, arrived_to, 1 AS is_known FROM weir.ranges
    WHERE target = ${quoteText(name)} AND src IN (SELECT src FROM new_ranges)
  ) ranges
) swept WHERE is_known = 1 AND (reach > from_off OR next_off < to_off)`;

const overlappingCommits = ({ name }: Target): string =>
  `weir.commits l JOIN new_commits n ON l.shard_id = n.shard_id AND l.first_seq <= n.last_seq ` +
  `AND n.first_seq <= l.last_seq AND l.foreign_rows > 0 AND n.foreign_rows > 0 ` +
  `WHERE l.target = ${quoteText(name)}`;

function ledgerSql(open: OpenLoad, { name }: Target): string[] {
  const { id, path, rows } = open;
  const [load, target] = [quoteText(id), quoteText(name)];
  const { inserted } = rowCountsSql(open);
  return [
    named(
      "ledger-commits",
      `INSERT INTO weir.commits (load_id, target, ${COMMIT_COLUMNS}) SELECT ${load}, ${target}, ${COMMIT_COLUMNS} FROM new_commits`,
    ),
    named(
      "ledger-ranges",
      `INSERT INTO weir.ranges (load_id, target, ${RANGE_COLUMNS}) SELECT ${load}, ${target}, ${RANGE_COLUMNS} FROM new_ranges`,
    ),
    named(
      "ledger-load",
      `INSERT INTO weir.loads (load_id, target, path, rows_staged, rows_inserted, loaded_at)
SELECT ${load}, ${target}, '${path}', ${rows}, ${inserted}, getdate()`,
    ),
  ];
}
