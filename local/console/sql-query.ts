import { Socket } from "node:net";
import { Client, type ClientConfig, type DatabaseError, Query, type QueryArrayResult, types } from "pg";

/** What one statement may take. */
export interface SqlBounds {
  readonly rows: number;
  /** Names as PostgreSQL sends them. */
  readonly bytes: number;
  readonly seconds: number;
}

export interface SqlResult {
  readonly columns: readonly SqlColumn[];
  /** Values as PostgreSQL writes them as text, so that no number is rounded and no time is shifted. */
  readonly rows: readonly (readonly (string | null)[])[];
  /** What of the bounds ended it before its last row. */
  readonly cutBy: "rows" | "bytes" | undefined;
  readonly milliseconds: number;
}

export interface SqlColumn {
  readonly name: string;
  /** PostgreSQL's own name, such as `int8`. */
  readonly type: string;
}

/** What PostgreSQL says of a statement that it does not run, or does not end. */
export class SqlError extends Error {
  override name = "SqlError";
  readonly code: string;
  readonly detail: string | undefined;
  readonly hint: string | undefined;
  /** Place in the statement, in UTF-16 units from 0. */
  readonly position: number | undefined;

  constructor(sql: string, error: Error & Partial<Omit<DatabaseError, "name">>, { seconds }: SqlBounds) {
    super(EXPLAINED[error.code ?? ""]?.(seconds) ?? error.message, { cause: error });
    this.code = error.code ?? "";
    this.detail = error.detail;
    this.hint = error.hint ?? HINTS[this.code];
    this.position = error.position === undefined ? undefined : unitsBefore(sql, Number(error.position));
  }
}

/** source: PostgreSQL documentation, Appendix A, error codes, read 2026-11 */
const EXPLAINED: Readonly<Record<string, (seconds: number) => string>> = {
  "57014": (seconds) =>
    `it took more than ${seconds} s, and was stopped: ask for less, such as one hour by _time`,
};

const HINTS: Readonly<Record<string, string>> = {
  "42P01": "a table is made with the first load of its rows: a new run has it in half a minute",
  "25006": "this box reads; psql, as the run's first lines have it, may do more",
};

/** PostgreSQL counts characters from 1. */
const unitsBefore = (sql: string, position: number): number =>
  Array.from(sql)
    .slice(0, position - 1)
    .join("").length;

/**
 * Runs one statement, read only, on a connection of its own, and no further than the bounds: what a statement sets or
 * locks ends with it. That there is one alone is PostgreSQL's own rule for the extended protocol.
 *
 * @param login of somebody who may do nothing but read
 * @throws SqlError what PostgreSQL says; the signal's reason once it aborts
 */
export async function runSql(
  login: ClientConfig,
  sql: string,
  bounds: SqlBounds,
  signal: AbortSignal,
): Promise<SqlResult> {
  signal.throwIfAborted();
  const socket = new Socket();
  const client = new Client({
    ...login,
    stream: () => socket,
    application_name: "weir console",
    statement_timeout: bounds.seconds * 1_000,
    // The server looks whether we are still there, and stops working once we are not.
    options: "-c default_transaction_read_only=on -c client_connection_check_interval=500",
  });
  client.on("error", () => {}); // told by whatever waits
  const hangUp = (): unknown => socket.destroy();
  signal.addEventListener("abort", hangUp, { once: true });
  const startedAt = performance.now();
  try {
    await client.connect();
    await client.query("BEGIN TRANSACTION READ ONLY");
    const { fields, ...result } = await readRows(client, socket, sql, bounds);
    const columns = fields.map(({ name, dataTypeID }) => ({ name, type: TYPE_NAMES.get(dataTypeID) ?? "" }));
    return { columns, ...result, milliseconds: Math.round(performance.now() - startedAt) };
  } catch (error) {
    signal.throwIfAborted();
    throw new SqlError(sql, error as Error, bounds);
  } finally {
    signal.removeEventListener("abort", hangUp);
    hangUp();
  }
}

type Fields = Pick<QueryArrayResult, "fields">["fields"];

interface Read extends Pick<SqlResult, "rows" | "cutBy"> {
  readonly fields: Fields;
}

/** Ends at the first of: the last row, a bound, an error. A value that is larger than the bound is never kept whole. */
function readRows(client: Client, socket: Socket, text: string, bounds: SqlBounds): Promise<Read> {
  return new Promise((resolve, reject) => {
    const rows: (string | null)[][] = [];
    let fields: Fields = [];
    const done = (cutBy: SqlResult["cutBy"]): void => resolve({ rows, fields, cutBy });
    const before = socket.bytesRead;
    socket.on("data", () => {
      if (socket.bytesRead - before <= bounds.bytes) return;
      socket.destroy();
      done("bytes");
    });
    const config = { text, rowMode: "array", queryMode: "extended", types: AS_TEXT };
    const query = client.query(new Query<(string | null)[]>(config));
    query.on("row", (row, result) => {
      fields = result!.fields;
      if (rows.length < bounds.rows) rows.push(row);
      else {
        socket.destroy();
        done("rows");
      }
    });
    query.on("end", (result) => {
      fields = result.fields;
      done(undefined);
    });
    query.on("error", reject);
  });
}

const AS_TEXT = { getTypeParser: () => (text: string) => text };

const TYPE_NAMES: ReadonlyMap<number, string> = new Map(
  Object.entries(types.builtins).map(([name, oid]) => [oid, name.toLowerCase()]),
);
