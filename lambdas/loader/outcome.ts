import type { DescribeStatementResponse } from "@aws-sdk/client-redshift-data";
import { type StatementName, statementName } from "./load-statement.ts";
import { LoaderError } from "./loader-error.ts";

/** What became of a submitted load. */
export type Outcome =
  | { readonly kind: "running" }
  | {
      readonly kind: "loaded";
      readonly inserted: number | undefined;
      /** Rows that were inserted beside another one of their place; undefined where nobody compared. */
      readonly conflicts: number | undefined;
      /** Rows that were left out since they were erased on purpose. */
      readonly erased: number | undefined;
      readonly seconds: number | undefined;
    }
  /** The ledger has it from an earlier attempt whose end nobody saw. */
  | { readonly kind: "loaded-before" }
  /** Rows may be there already: only the slow path may load it. */
  | { readonly kind: "overlap" }
  /** The warehouse lacks erasures that the table had had. */
  | { readonly kind: "lacks-erasures" }
  /** The ledger's last load is not the one that the state names. */
  | { readonly kind: "diverged" }
  /** The table lacks the rows of the last load, or has rows where the ledger has no load; or it is not there. */
  | { readonly kind: "table-rows"; readonly isMissing: boolean }
  | {
      readonly kind: "failed";
      readonly error: string;
      readonly transient: boolean;
      /** The warehouse cannot be reached at all, or did not answer: it is no matter of this load. */
      readonly isAway?: boolean;
      /** Another transaction was in the way, and is over by now. */
      readonly isConflict?: boolean;
      /** The statement that failed, where one did. */
      readonly statement?: StatementName | undefined;
      /** Redshift's ids of the COPYs that ran: what they refused is known by them. */
      readonly queryIds?: readonly number[];
    };

/** Assertions of the fast path. */
const NEEDS_COMPARING: ReadonlySet<StatementName> = new Set([
  "no-overlap",
  "no-foreign-overlap",
  "no-erased",
]);

/** Redshift's compute nodes say the first, its leader node and PostgreSQL the second. */
const DIVIDED_BY_ZERO = /divide by zero|division by zero/i;

/** What both say of a table that is not there; a schema that is not there is a matter of rights. */
const NO_TABLE = /relation .* does not exist|nonexistent table/i;

/**
 * What passes by itself: serialization (1023) and deadlocks (40P01), lost connections, a network that is
 * away, throttling, and two sessions creating the same thing at once.
 */
const TRANSIENT =
  /\b1023\b|40P01|40001|serializ|deadlock|connection|ECONN|ENOTFOUND|EAI_AGAIN|EPIPE|socket hang up|terminat|cancel|timed? ?out|throttl|SlowDown|ServiceUnavailable|InternalError|concurrently|unique constraint "pg_/i;

/**
 * How a warehouse is away: nobody reaches it, it is paused, being changed, or no longer there. source: errors of the
 * Redshift Data API and of the guide's pages on pausing and resuming, read 2026-11
 */
const AWAY =
  /ECONN|ENOTFOUND|EAI_AGAIN|EPIPE|socket hang up|could not (?:connect|establish)|connection (?:refused|attempt failed)|endpoint doesn't exist|is (?:being )?(?:paus|resum|reboot|resiz|modif|delet|creat)\w*|not available|the database system is (?:starting|shutting)/i;

const AWAY_EXCEPTIONS = new Set(["DatabaseConnectionException", "TimeoutError", "ResourceNotFoundException"]);

/** Serialization failures, such as 1023 of databases with SERIALIZABLE isolation, and deadlocks. */
const CONFLICT = /\b1023\b|40P01|40001|serializ|deadlock/i;

const TRANSIENT_EXCEPTIONS = new Set([
  "ActiveStatementsExceededException",
  "ActiveSessionsExceededException",
  "ActiveWaitingRequestsExceededException",
  "DatabaseConnectionException",
  "InternalServerException",
  "ThrottlingException",
  "TimeoutError",
]);

/**
 * @param description undefined when the service no longer knows the statement
 * @param statements names of the batch's statements, in order; without them, the comments of their texts are read,
 *   where the service has kept those
 */
export function readOutcome(
  description: DescribeStatementResponse | undefined,
  statements: readonly string[] = [],
): Outcome {
  if (!description)
    return { kind: "failed", error: "the Data API has forgotten the statement", transient: true };
  const { Status, SubStatements = [], Duration, Error: error = "no reason given" } = description;
  if (Status === "FINISHED") {
    const rowsOf = (name: StatementName): number | undefined =>
      SubStatements.find((sub, i) => nameOf(sub, i, statements) === name)?.ResultRows;
    return {
      kind: "loaded",
      inserted: rowsOf("insert-rows"),
      conflicts: rowsOf("insert-conflicts"),
      erased: rowsOf("leave-out-erased"),
      seconds: Duration === undefined ? undefined : Duration / 1e9,
    };
  }
  if (Status === "ABORTED") return { kind: "failed", error: `aborted: ${error}`, transient: true };
  if (Status !== "FAILED") return { kind: "running" };
  const index = failedIndex(SubStatements, error);
  const at = SubStatements[index];
  const reason = at?.Error ?? error;
  const name = nameOf(at, index, statements);
  const queryIds = SubStatements.filter(({ QueryString }) => COPY.test(QueryString ?? "")).flatMap(
    ({ RedshiftQueryId: id }) => (id !== undefined && id > 0 ? [id] : []),
  );
  if (DIVIDED_BY_ZERO.test(reason)) {
    if (name === "not-loaded") return { kind: "loaded-before" };
    if (name !== undefined && NEEDS_COMPARING.has(name)) return { kind: "overlap" };
    if (name === "has-erasures") return { kind: "lacks-erasures" };
    if (name === "last-load") return { kind: "diverged" };
    if (name === "table-rows") return { kind: "table-rows", isMissing: false };
    if (name === "count") {
      const text = "COPY loaded another number of rows than the commits name";
      return { kind: "failed", error: text, transient: false, statement: name, queryIds };
    }
  }
  const isMissing = NO_TABLE.test(reason);
  if (name === "table-rows" && isMissing) return { kind: "table-rows", isMissing };
  const text = name === undefined ? reason : `${name}: ${reason}`;
  const [isAway, isConflict] = [name === undefined && AWAY.test(reason), CONFLICT.test(reason)];
  const transient = isMissing || isAway || TRANSIENT.test(reason);
  return { kind: "failed", error: text, transient, isAway, isConflict, statement: name, queryIds };
}

type SubStatement = NonNullable<DescribeStatementResponse["SubStatements"]>[number];

/** The statement's place in its batch, counted from 0: its id ends in it, counted from 1. */
function placeOf(sub: SubStatement | undefined, index: number): number {
  const number = Number(/:(\d+)$/.exec(sub?.Id ?? "")?.[1]);
  return Number.isNaN(number) ? index : number - 1;
}

function nameOf(
  sub: SubStatement | undefined,
  index: number,
  statements: readonly string[],
): StatementName | undefined {
  const name = statements[placeOf(sub, index)] as StatementName | undefined;
  return name ?? statementName(sub?.QueryString);
}

/** Index of the statement that failed; where none says so, the batch's own error counts from 1. */
function failedIndex(subs: readonly SubStatement[], error: string): number {
  const index = subs.findIndex(({ Status }) => Status === "FAILED");
  return index >= 0 ? index : Number(/\bQuery #(\d+) failed/.exec(error)?.[1] ?? 0) - 1;
}

const COPY = /^\s*(?:\/\*.*?\*\/\s*)?COPY\b/i;

/** What a thrown error of the Data API means for the load that it was thrown for. */
export function readException(error: unknown): Extract<Outcome, { kind: "failed" }> {
  const { name, message } = error as Error;
  const own = error instanceof LoaderError;
  const transient = own
    ? error.code === "NOT_IN_TIME" || (error.code === "STATEMENT" && TRANSIENT.test(message))
    : TRANSIENT_EXCEPTIONS.has(name) || TRANSIENT.test(message);
  const isAway = own
    ? error.code === "NOT_IN_TIME" || (error.code === "STATEMENT" && AWAY.test(message))
    : AWAY_EXCEPTIONS.has(name) || AWAY.test(message);
  const text = own ? message : `${name}: ${message}`;
  const isConflict = CONFLICT.test(message);
  return { kind: "failed", error: text, transient: transient || isAway, isAway, isConflict };
}
