import { lockTableSql, columnsSql, namesColumns, quoteText, tableSql, type Target } from "./target.ts";
import type { OpenLoad } from "./open-load.ts";

/**
 * The one transaction of a load.
 *
 * fast:  lock · what is new · not loaded yet · overlaps nothing · COPY into the table · ledger
 * slow:  lock · what is new · not loaded yet · COPY into a temporary table · insert what is not there · ledger
 *
 * A batch cannot branch, so a condition that does not hold aborts it by a division by zero. Each
 * statement begins with a comment that names it: the outcome is read from the names, so it does not
 * matter which version of the loader submitted the batch.
 *
 * The lock comes first. Redshift takes a transaction's snapshot at its first SELECT or DML; taken
 * before the lock is held, it would not show what another load has just committed.
 */
export type StatementName =
  | "lock"
  | "not-loaded" //           this very load is in the ledger already
  | "no-overlap" //           a range is in the ledger already
  | "no-foreign-overlap" //   a batch with foreign rows is in the ledger already
  | "count" //                COPY loaded another number of rows than the commits say
  | "new-commits"
  | "new-ranges"
  | "copy-commits"
  | "copy-ranges"
  | "copy-rows"
  | "stage"
  | "window"
  | "fresh"
  | "insert-rows"
  | "ledger-commits"
  | "ledger-ranges"
  | "ledger-load";

export interface Storage {
  readonly bucket: string;
  readonly copyRoleArn: string;
}

export function loadSql(load: OpenLoad, target: Target, storage: Storage): string[] {
  const copies = newCommitsSql(load, storage);
  const lock = named("lock", `LOCK TABLE ${lockTableSql(target)}`);
  const rows = load.path === "fast" ? fastSql(load, target, storage) : slowSql(load, target, storage);
  return [lock, ...copies, notLoadedSql(load, target), ...rows, ...ledgerSql(load, target)];
}

/** The name that a statement's text begins with. */
export function statementName(sql: string | undefined): StatementName | undefined {
  return /^\/\* weir: ([a-z-]+) \*\//.exec(sql ?? "")?.[1] as StatementName | undefined;
}

const named = (name: StatementName, sql: string): string => `/* weir: ${name} */ ${sql}`;

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
    ...copyRowsSql(load, target, tableSql(target), storage),
  ];
}

/**
 * The temporary tables are like the target, so `*` is its columns in its order: column lists of a wide
 * table would take more than the 100 KB there are.
 */
function slowSql(load: OpenLoad, target: Target, storage: Storage): string[] {
  const table = tableSql(target);
  return [
    named("stage", `CREATE TEMP TABLE staged (LIKE ${table})`),
    ...copyRowsSql(load, target, "staged", storage),
    // A duplicate may come days after its original: how far back to look is what the ledger says of
    // everything that overlaps, and nothing where nothing does.
    named(
      "window",
      `CREATE TEMP TABLE arrival_window AS
SELECT min(arrived_from) AS arrived_from, max(arrived_to) AS arrived_to FROM (
  ${overlappingRanges(target)}
  UNION ALL SELECT l.arrived_from, l.arrived_to FROM ${overlappingCommits(target)}
) overlapping`,
    ),
    // Rows from before there was a _crc have none, and count as the same: what is at their place has one, or is
    // the only one.
    named(
      "fresh",
      `CREATE TEMP TABLE fresh AS SELECT * FROM (
  SELECT *, row_number() OVER (PARTITION BY "_src", "_off", "_crc" ORDER BY "_arrived_at")
    + CASE WHEN "_crc" IS NULL AND max("_crc") OVER (PARTITION BY "_src", "_off") IS NOT NULL THEN 1 ELSE 0 END AS _nth
  FROM staged
) s WHERE _nth = 1 AND NOT EXISTS (
  SELECT 1 FROM ${table} t, arrival_window w
  WHERE t."_src" = s."_src" AND t."_off" = s."_off"
    AND (t."_crc" = s."_crc" OR t."_crc" IS NULL OR s."_crc" IS NULL)
    AND t."_arrived_at" BETWEEN w.arrived_from AND w.arrived_to)`,
    ),
    named("fresh", "ALTER TABLE fresh DROP COLUMN _nth"),
    named("insert-rows", `INSERT INTO ${table} SELECT * FROM fresh`),
  ];
}

function copyRowsSql(load: OpenLoad, target: Target, into: string, storage: Storage): string[] {
  const columns = namesColumns(target) ? ` (${columnsSql(target)})` : "";
  return load.manifests.flatMap(({ key, codec, rows }) => [
    named("copy-rows", copySql(`${into}${columns}`, key, `MANIFEST ${codec.toUpperCase()}`, storage)),
    countSql(rows),
  ]);
}

/** MAXERROR 0: a row that does not fit fails the load, and none goes missing. */
function copySql(into: string, key: string, options: string, { bucket, copyRoleArn }: Storage): string {
  return `COPY ${into} FROM ${quoteText(`s3://${bucket}/${key}`)} IAM_ROLE ${quoteText(copyRoleArn)}
JSON 'auto' ${options} TIMEFORMAT 'auto' COMPUPDATE OFF STATUPDATE OFF MAXERROR 0`;
}

function notLoadedSql({ id }: OpenLoad, { name }: Target): string {
  const loads = `weir.loads WHERE load_id = ${quoteText(id)} AND target = ${quoteText(name)}`;
  return named("not-loaded", none(`SELECT count(*) AS n FROM ${loads}`));
}

const countSql = (rows: number): string =>
  named("count", `SELECT 1 / CASE WHEN pg_last_copy_count() = ${rows} THEN 1 ELSE 0 END`);

const none = (countSql: string): string =>
  `SELECT 1 / CASE WHEN n = 0 THEN 1 ELSE 0 END FROM (${countSql}) found`;

/**
 * Ranges of the ledger that a new range overlaps: one that begins before it, or where it does, and reaches into it,
 * or the next one after it that begins before its end. Sorted once and gone through, since a join would compare
 * each range of a source with each other one, and how many there are is for producers to decide.
 */
const overlappingRanges = ({ name }: Target): string => `SELECT arrived_from, arrived_to FROM (
  SELECT arrived_from, arrived_to, is_known, from_off, to_off,
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

function ledgerSql({ id, path, rows }: OpenLoad, { name }: Target): string[] {
  const [load, target] = [quoteText(id), quoteText(name)];
  const inserted = path === "fast" ? `${rows}` : "(SELECT count(*) FROM fresh)";
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
