import { PADDED_DIGITS } from "../../../wire/sequence-number.ts";
import { named } from "../load-statement.ts";
import type { OpenLoad } from "../open-load.ts";
import { quoteText, tableSql, type Target } from "../target.ts";

export const COMMIT_COLUMNS =
  "batch_id, shard_id, first_seq, last_seq, rows, foreign_rows, arrived_from, arrived_to";
export const RANGE_COLUMNS = "src, from_off, to_off, arrived_from, arrived_to";

/** Numbers of a load for its row in the ledger, as SQL. */
export interface RowCounts {
  readonly inserted: string;
  readonly conflicts: string;
}

/** What the ledger says of a load, once its rows are in. */
export function recordSql(load: OpenLoad, { name }: Target, counts: RowCounts): string[] {
  const [id, target] = [quoteText(load.id), quoteText(name)];
  return [
    named(
      "ledger-commits",
      `INSERT INTO weir.commits (load_id, target, ${COMMIT_COLUMNS}) SELECT ${id}, ${target}, ${COMMIT_COLUMNS} FROM new_commits`,
    ),
    named(
      "ledger-ranges",
      `INSERT INTO weir.ranges (load_id, target, ${RANGE_COLUMNS}) SELECT ${id}, ${target}, ${RANGE_COLUMNS} FROM new_ranges`,
    ),
    named("ledger-load", loadRowSql(load, name, counts)),
  ];
}

function loadRowSql(load: OpenLoad, target: string, { inserted, conflicts }: RowCounts): string {
  const { id, path, rows, number, log, resume, arrived } = load;
  const values = {
    load_id: quoteText(id),
    target: quoteText(target),
    path: quoteText(path),
    rows_staged: rows,
    rows_inserted: inserted,
    loaded_at: "getdate()",
    rows_conflicting: conflicts,
    ...(number !== undefined && { number }),
    ...(log && {
      from_segment: log.from.segment,
      from_index: log.from.index,
      to_segment: log.to.segment,
      to_index: log.to.index,
    }),
    ...(resume !== undefined && { resume: quoteText(resume) }),
    ...(arrived && {
      arrived_from: `CAST(${quoteText(arrived.from)} AS timestamp)`,
      arrived_to: `CAST(${quoteText(arrived.to)} AS timestamp)`,
    }),
  };
  return `INSERT INTO weir.loads (${Object.keys(values).join(", ")})\nSELECT ${Object.values(values).join(", ")}`;
}

/**
 * A ledger for a table that has rows, and none: its sources are known from their first row to their last. Whatever the
 * log brings again is compared with the table.
 */
export function seedSql({ id, seed }: OpenLoad, target: Target): string[] {
  if (!seed) return [];
  const [load, name] = [quoteText(id), quoteText(target.name)];
  const arrived = `min("_arrived_at"), max("_arrived_at")`;
  const sequence = `lpad(split_part("_src", ':', 2), ${PADDED_DIGITS}, '0')`;
  return [
    named(
      "known-ranges",
      `INSERT INTO weir.ranges (load_id, target, ${RANGE_COLUMNS})
SELECT ${load}, ${name}, "_src", min("_off"), max("_off") + 1, ${arrived}
FROM ${tableSql(target)} WHERE "_src" NOT LIKE '%:%' GROUP BY "_src"`,
    ),
    named(
      "known-commits",
      `INSERT INTO weir.commits (load_id, target, ${COMMIT_COLUMNS})
SELECT ${load}, ${name}, ${load}, split_part("_src", ':', 1), min(${sequence}), max(${sequence}), count(*), count(*), ${arrived}
FROM ${tableSql(target)} WHERE "_src" LIKE '%:%' GROUP BY split_part("_src", ':', 1)`,
    ),
  ];
}
