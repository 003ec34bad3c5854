import { copySql, countSql, type Storage } from "./copy-sql.ts";
import { erasedCountSql, hasErasuresSql } from "./erasure/erased-rows.ts";
import {
  assertionsSql,
  none,
  noOverlapSql,
  overlappingCommits,
  overlappingRanges,
} from "./ledger/assertions-sql.ts";
import { COMMIT_COLUMNS } from "./ledger/commits-sql.ts";
import { RANGE_COLUMNS } from "./ledger/ranges-sql.ts";
import { recordSql } from "./ledger/record-sql.ts";
import { seedSql } from "./ledger/seed-sql.ts";
import { named } from "./load-statement.ts";
import type { OpenLoad } from "./open-load.ts";
import { fastRowsSql, rowCountsSql, slowRowsSql } from "./rows-sql.ts";
import { setAsideSql } from "./set-aside/set-aside-sql.ts";
import type { Target } from "./target.ts";

export type { Storage } from "./copy-sql.ts";
export { statementName } from "./load-statement.ts";

/**
 * The one transaction of a load.
 *
 * fast:  lock · follows the ledger · what is new · overlaps nothing · COPY into the table · ledger
 * slow:  lock · follows the ledger · what is new · COPY into a temporary table · leave out what was erased · insert what
 *        is not there · ledger
 */
export function loadSql(load: OpenLoad, target: Target, storage: Storage): string[] {
  return [
    ...assertionsSql(load, target),
    ...hasErasuresSql(load, target),
    ...seedSql(load, target),
    ...newCommitsSql(load, storage),
    ...(load.path === "fast" ? fastSql(load, target, storage) : slowSql(load, target, storage)),
    ...setAsideSql(load, target, storage),
    ...recordSql(load, target, rowCountsSql(load)),
  ];
}

/** The load's commits and ranges come from the lake: a statement has 100 KB, a load may have more. */
function newCommitsSql({ commits, foreignCommits, ranges }: OpenLoad, storage: Storage): string[] {
  const sql = [
    named(
      "new-commits",
      `CREATE TEMP TABLE new_commits (
  batch_id varchar(300), shard_id varchar(32), first_seq varchar(128), last_seq varchar(128),
  rows bigint, foreign_rows bigint, arrived_from timestamp, arrived_to timestamp)`,
    ),
    named(
      "new-ranges",
      `CREATE TEMP TABLE new_ranges (
  src varchar(160), from_off bigint, to_off bigint, arrived_from timestamp, arrived_to timestamp)`,
    ),
  ];
  // COPY of an empty object is not worth relying on, and commits without foreign rows are known by their ranges.
  if (foreignCommits !== 0) {
    const into = `new_commits (${COMMIT_COLUMNS})`;
    sql.push(named("copy-commits", copySql(into, commits.key, "", storage)), countSql(commits.rows));
  }
  if (ranges.rows > 0) {
    const into = `new_ranges (${RANGE_COLUMNS})`;
    sql.push(named("copy-ranges", copySql(into, ranges.key, "", storage)), countSql(ranges.rows));
  }
  return sql;
}

const fastSql = (load: OpenLoad, target: Target, storage: Storage): string[] => [
  ...noOverlapSql(target),
  named("no-erased", none(erasedCountSql(target))),
  ...fastRowsSql(load, target, storage),
];

const slowSql = (load: OpenLoad, target: Target, storage: Storage): string[] =>
  slowRowsSql(load, target, storage, {
    ranges: overlappingRanges(target),
    foreign: `SELECT ${REPARSE_ARRIVAL} FROM ${overlappingCommits(target)}`,
  });

/**
 * When what the table may have of foreign rows arrived. The ledger knows that of all older batches of a shard together, and
 * a table would be searched from its beginning for a few lines that are filed anew. Those keep the arrival of their
 * record, and so it is that of whatever is the same.
 */
const REPARSE_ARRIVAL = ["arrived_from", "arrived_to"]
  .map((name) => `CASE WHEN n.batch_id LIKE 'reparse-%' THEN n.${name} ELSE l.${name} END AS ${name}`)
  .join(", ");
