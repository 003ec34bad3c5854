import type { Statement, SubStatement } from "./statement.ts";

/** DescribeStatement's answer. @param sub for one statement of a batch, by its own id */
export function describeStatement(statement: Statement, sub: SubStatement | undefined): object {
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
    QueryString: one?.sql,
    SubStatements: one ? undefined : statement.subs.map(describeSub),
  };
}

const describeSub = (sub: SubStatement): object => ({
  Id: sub.id,
  Status: sub.status,
  Error: sub.error,
  QueryString: sub.sql,
  ResultRows: sub.resultRows,
  HasResultSet: sub.result !== undefined,
  RedshiftQueryId: sub.queryId,
  Duration: nanoseconds(sub.durationMs),
});

/** GetStatementResult's answer, in one page. */
export function statementResult(result: NonNullable<SubStatement["result"]>): object {
  const types = result.fields.map(({ dataTypeID }) => dataTypeID);
  return {
    ColumnMetadata: result.fields.map(({ name }) => ({ name, label: name })),
    Records: result.rows.map((row) => row.map((text, i) => field(text, types[i]!))),
    TotalNumRows: result.rows.length,
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
