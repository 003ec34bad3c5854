/**
 * Statements of a load's transaction, by name. A batch cannot branch, so a condition that does not hold aborts it by a
 * division by zero. Each statement begins with a comment that names it: the outcome is read from the names, so it does
 * not matter which version of the loader submitted the batch.
 */
export type StatementName =
  | "timeout" //              of each of the statements
  | "lock"
  | "not-loaded" //           this very load is in the ledger already
  | "last-load" //            the ledger's last load is not the one that this load follows
  | "table-rows" //           the table lacks the rows of the last load, or has rows and the ledger knows nothing
  | "no-overlap" //           a range is in the ledger already
  | "no-foreign-overlap" //   a batch with foreign rows is in the ledger already
  | "has-erasures" //         the table lacks erasures that it had had when the load was planned
  | "no-erased" //            something was erased within a range, or from a batch with foreign rows
  | "leave-out-erased"
  | "count" //                COPY loaded another number of rows than the commits say
  | "known-ranges" //         what the ledger lacks is made from the table's own rows
  | "known-commits"
  | "new-commits"
  | "new-ranges"
  | "copy-commits"
  | "copy-ranges"
  | "copy-rows"
  | "stage"
  | "overlapping"
  | "places"
  | "known"
  | "fresh"
  | "conflicting"
  | "settle-places"
  | "insert-rows"
  | "insert-conflicts"
  | "merged-ranges"
  | "forget-ranges"
  | "old-commits"
  | "forget-commits"
  | "ledger-commits"
  | "ledger-ranges"
  | "ledger-load"
  | "control" //              a row of ours, in a probe: set-aside/probe-sql.ts
  | "retried"
  | "copy-retried"
  | "refused"
  | "copy-refused"
  | "set-aside";

export const named = (name: StatementName, sql: string): string => `/* weir: ${name} */ ${sql}`;

/** The name that a statement's text begins with. */
export function statementName(sql: string | undefined): StatementName | undefined {
  return /^\/\* weir: ([a-z-]+) \*\//.exec(sql ?? "")?.[1] as StatementName | undefined;
}
