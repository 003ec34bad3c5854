import { PADDED_DIGITS } from "../../../wire/sequence-number.ts";
import { named } from "../load-statement.ts";
import type { OpenLoad } from "../open-load.ts";
import { quoteText, rangesTableSql, tableSql, type Target } from "../target.ts";
import { COMMIT_COLUMNS } from "./commits-sql.ts";
import { RANGE_COLUMNS } from "./ranges-sql.ts";

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
      `INSERT INTO ${rangesTableSql(target)} (${RANGE_COLUMNS}, loaded_at)
SELECT "_src", min("_off"), max("_off") + 1, ${arrived}, getdate()
FROM ${tableSql(target)} WHERE "_src" NOT LIKE '%:%' GROUP BY "_src"`,
    ),
    named(
      "known-commits",
      `INSERT INTO weir.commits (load_id, target, ${COMMIT_COLUMNS}, loaded_at)
SELECT ${load}, ${name}, ${load}, split_part("_src", ':', 1), min(${sequence}), max(${sequence}), count(*), count(*), ${arrived}, getdate()
FROM ${tableSql(target)} WHERE "_src" LIKE '%:%' GROUP BY split_part("_src", ':', 1)`,
    ),
  ];
}
