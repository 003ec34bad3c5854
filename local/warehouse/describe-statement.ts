import { ApiError } from "./api-error.ts";
import { LEADING_COMMENTS, type Statement, type SubStatement } from "./statement.ts";

/** A statement's text as answers show it. @param isKept whether with the comments that it begins with */
export const shownSql = (sql: string, isKept: boolean): string =>
  isKept ? sql : sql.replace(LEADING_COMMENTS, "");

/**
 * DescribeStatement's answer.
 *
 * @param sub for one statement of a batch, by its own id
 * @param isKept whether statements are shown with the comments that they begin with
 */
export function describeStatement(
  statement: Statement,
  sub: SubStatement | undefined,
  isKept: boolean,
): object {
  const single = statement.subs.length === 1 ? statement.subs[0] : undefined;
  const one = sub ?? single;
  return {
    Id: sub?.id ?? statement.id,
    Status: sub?.status ?? statement.status,
    Error: sub ? sub.error : statement.error,
    CreatedAt: seconds(statement.createdAt),
    UpdatedAt: seconds(statement.updatedAt),
    Duration: nanoseconds(statement.subs.reduce((sum, { durationMs }) => sum + durationMs, 0)),
    HasResultSet: one?.result !== undefined,
    ResultRows: one?.resultRows ?? -1,
    RedshiftQueryId: one?.queryId ?? -1,
    QueryString: one && shownSql(one.sql, isKept),
    SubStatements: one ? undefined : statement.subs.map((sub) => describeSub(sub, isKept)),
  };
}

const describeSub = (sub: SubStatement, isKept: boolean): object => ({
  Id: sub.id,
  Status: sub.status,
  Error: sub.error,
  QueryString: shownSql(sub.sql, isKept),
  ResultRows: sub.resultRows,
  HasResultSet: sub.result !== undefined,
  RedshiftQueryId: sub.queryId,
  Duration: nanoseconds(sub.durationMs),
});

/** Ours, and small, so that whoever reads one page only is found out. The service's pages are of bytes. */
const PAGE_ROWS = 100;

/** GetStatementResult's answer: a page of it. @throws ApiError ValidationException for a token that is none */
export function statementResult(
  result: NonNullable<SubStatement["result"]>,
  token: string | undefined,
): object {
  const from = token === undefined ? 0 : Number(token);
  if (!Number.isInteger(from / PAGE_ROWS) || from < 0 || (from > 0 && from >= result.rows.length)) {
    throw new ApiError("ValidationException", `NextToken ${token} is not of this result`);
  }
  const types = result.fields.map(({ dataTypeID }) => dataTypeID);
  const to = from + PAGE_ROWS;
  return {
    ColumnMetadata: result.fields.map(({ name }) => ({ name, label: name })),
    Records: result.rows.slice(from, to).map((row) => row.map((text, i) => field(text, types[i]!))),
    TotalNumRows: result.rows.length,
    NextToken: to < result.rows.length ? `${to}` : undefined,
  };
}

/** PostgreSQL's type ids, from pg_type.dat. */
const LONG = new Set([20, 21, 23]);
const DOUBLE = new Set([700, 701]);
const BOOLEAN = 16;

function field(text: string | null, type: number): object {
  if (text === null) return { isNull: true };
  if (LONG.has(type)) return { longValue: Number(text) };
  if (DOUBLE.has(type)) return { doubleValue: Number(text) };
  return type === BOOLEAN ? { booleanValue: text === "t" } : { stringValue: text };
}

/** JSON 1.1 has times in seconds. */
export const seconds = (at: Date): number => at.getTime() / 1_000;
const nanoseconds = (ms: number): number => Math.round(ms * 1e6);
