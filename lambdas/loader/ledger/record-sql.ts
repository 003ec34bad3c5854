import { named } from "../load-statement.ts";
import type { OpenLoad } from "../open-load.ts";
import { quoteText, type Target } from "../target.ts";
import { recordCommitsSql } from "./commits-sql.ts";
import { recordRangesSql } from "./ranges-sql.ts";

/** Numbers of a load for its row in the ledger, as SQL. */
export interface RowCounts {
  readonly inserted: string;
  readonly conflicts: string;
}

/** What the ledger says of a load, once its rows are in. */
export function recordSql(load: OpenLoad, target: Target, counts: RowCounts): string[] {
  return [
    ...recordCommitsSql(load, target),
    ...recordRangesSql(load, target),
    named("ledger-load", loadRowSql(load, target.name, counts)),
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
    rows_set_aside: load.refused === undefined ? 0 : "(SELECT sum(rows) FROM refused)",
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
