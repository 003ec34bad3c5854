import { DatabaseSync } from "node:sqlite";
import {
  BatchExecuteStatementCommand,
  CancelStatementCommand,
  DescribeStatementCommand,
  type DescribeStatementResponse,
  ExecuteStatementCommand,
  type Field,
  GetStatementResultCommand,
  type RedshiftDataClient,
} from "@aws-sdk/client-redshift-data";
import { gunzipSync, zstdDecompressSync } from "node:zlib";
import { type CopyCommand, isCopy, parseCopy } from "../../../local/warehouse/copy-command.ts";
import { translate as withoutPhysical } from "../../../local/warehouse/dialect.ts";
import { LEADING_COMMENTS } from "../../../local/warehouse/statement.ts";
import { declaredColumn, declaredTable, installDialect, translate, unquoted } from "./sqlite-dialect.ts";

type Value = string | number | null;

interface SubStatement {
  readonly id: string;
  readonly sql: string;
  readonly queryId: number;
  status: "SUBMITTED" | "FINISHED" | "FAILED";
  error?: string;
  resultRows: number;
  rows: Value[][];
}

export interface Statement {
  readonly id: string;
  readonly name: string | undefined;
  readonly isTransaction: boolean;
  readonly subs: readonly SubStatement[];
  status: "SUBMITTED" | "FINISHED" | "FAILED" | "ABORTED";
  error?: string;
}

interface Column {
  readonly name: string;
  type: string;
  readonly isRequired: boolean;
}

export interface WarehouseOptions {
  readonly now: () => number;
  /** An object's bytes. */
  readonly read: (key: string) => Buffer | undefined;
  /** Takes a statement that somebody has submitted and does not wait for: `run` carries it out. */
  readonly onSubmitted?: (statement: Statement) => void;
  /** Why a transaction fails that would otherwise succeed. */
  readonly refusal?: (statement: Statement, sql: string) => string | undefined;
}

/**
 * A warehouse in memory that runs the loader's own SQL, behind the client of the Redshift Data API. Transactions come
 * one after the other, as the lock of a table has them; a statement is carried out when it is told to.
 */
export class Warehouse {
  readonly statements = new Map<string, Statement>();
  readonly #options: WarehouseOptions;
  readonly #db = new DatabaseSync(":memory:");
  readonly #tokens = new Map<string, string>();
  /** By name, the schema included; those of a transaction that is undone are as they were. */
  #tables = new Map<string, Column[]>();
  #copied = 0;
  #last = 0;

  constructor(options: WarehouseOptions) {
    this.#options = options;
    for (const schema of ["weir", "logs", "redshift"]) this.#db.exec(`ATTACH ':memory:' AS ${schema}`);
    this.#db.exec(`
CREATE TABLE redshift.svv_columns (table_schema, table_name, column_name, ordinal_position, data_type,
  character_maximum_length, numeric_precision, numeric_scale, is_nullable, column_default);
CREATE TABLE redshift.sys_load_error_detail (query_id, file_name, line_number, column_name, error_message)`);
    installDialect(this.#db, options.now, () => this.#copied);
  }

  close(): void {
    this.#db.close();
  }

  /** Rows as they are, for whoever looks on. */
  query<T>(sql: string): T[] {
    return this.#db.prepare(sql).all() as T[];
  }

  /** What somebody does to a table behind the loader's back. */
  damage(sql: string): void {
    this.#db.exec(sql);
  }

  hasTable(name: string): boolean {
    return this.#tables.has(name);
  }

  get client(): RedshiftDataClient {
    return {
      send: async (command: object) => this.send(command),
      destroy: () => {},
    } as unknown as RedshiftDataClient;
  }

  send(command: object): unknown {
    if (command instanceof BatchExecuteStatementCommand) {
      const { Sqls = [], StatementName, ClientToken, WithEvent } = command.input;
      const known = ClientToken === undefined ? undefined : this.#tokens.get(ClientToken);
      if (known !== undefined) return { Id: known };
      const statement = this.#add(Sqls, StatementName, true);
      if (ClientToken !== undefined) this.#tokens.set(ClientToken, statement.id);
      if (WithEvent && this.#options.onSubmitted) this.#options.onSubmitted(statement);
      else this.run(statement);
      return { Id: statement.id };
    }
    if (command instanceof ExecuteStatementCommand) {
      const statement = this.#add([command.input.Sql!], command.input.StatementName, false);
      this.run(statement);
      return { Id: statement.id };
    }
    if (command instanceof DescribeStatementCommand) return this.describe(command.input.Id!);
    if (command instanceof CancelStatementCommand) {
      const statement = this.#statement(command.input.Id!);
      if (statement.status !== "SUBMITTED") throw named("ValidationException", "it is over");
      Object.assign(statement, { status: "ABORTED", error: "Query was cancelled" });
      return { Status: true };
    }
    if (command instanceof GetStatementResultCommand) {
      const id = command.input.Id!;
      const { subs } = this.#statement(id.split(":")[0]!);
      const { rows } = subs.find((sub) => sub.id === id) ?? subs[0]!;
      return { Records: rows.map((row) => row.map(field)) };
    }
    throw new Error(`no such call: ${command.constructor.name}`);
  }

  describe(id: string): DescribeStatementResponse {
    return described(this.#statement(id));
  }

  #statement(id: string): Statement {
    const statement = this.statements.get(id);
    if (statement === undefined) throw named("ResourceNotFoundException", `no statement ${id}`);
    return statement;
  }

  #add(sqls: readonly string[], name: string | undefined, isTransaction: boolean): Statement {
    const number = ++this.#last;
    const id = `00000000-0000-4000-8000-${`${number}`.padStart(12, "0")}`;
    const subs = sqls.map((sql, i): SubStatement => ({
      id: `${id}:${i + 1}`,
      sql,
      queryId: number * 1_000 + i,
      status: "SUBMITTED",
      resultRows: -1,
      rows: [],
    }));
    const statement: Statement = { id, name, isTransaction, subs, status: "SUBMITTED" };
    this.statements.set(id, statement);
    return statement;
  }

  /** Carries a statement out: all of it or, of a transaction, nothing. */
  run(statement: Statement): void {
    if (statement.status !== "SUBMITTED") return;
    const tables = new Map(Array.from(this.#tables, ([name, columns]) => [name, [...columns]]));
    const loadErrors: LoadError[] = [];
    this.#db.exec("BEGIN");
    try {
      for (const sub of statement.subs) this.#execute(statement, sub, loadErrors);
      this.#db.exec("COMMIT");
      statement.status = "FINISHED";
    } catch (error) {
      this.#db.exec("ROLLBACK");
      this.#tables = tables;
      const failed = statement.subs.findIndex(({ status }) => status === "SUBMITTED");
      const { message } = error as Error;
      Object.assign(statement.subs[failed] ?? {}, { status: "FAILED", error: message });
      Object.assign(statement, { status: "FAILED", error: `Query #${failed + 1} failed with ${message}` });
    }
    this.#dropTemporary();
    for (const { queryId, file, line, column, reason } of loadErrors) {
      this.#db
        .prepare("INSERT INTO redshift.sys_load_error_detail VALUES (?, ?, ?, ?, ?)")
        .run(queryId, file, line, column, reason);
    }
  }

  #execute(statement: Statement, sub: SubStatement, loadErrors: LoadError[]): void {
    const sql = sub.sql.replace(LEADING_COMMENTS, "");
    const refusal = this.#options.refusal?.(statement, sub.sql);
    if (refusal !== undefined) throw new Error(refusal);
    if (isCopy(sql)) sub.resultRows = this.#copied = this.#copy(parseCopy(sql), sub.queryId, loadErrors);
    else if (!/^(?:LOCK|SET)\b/.test(sql) && !this.#define(sql)) this.#query(sub, sql);
    sub.status = "FINISHED";
  }

  #query(sub: SubStatement, sql: string): void {
    const text = translate(sql);
    if (text.includes("svv_columns")) this.#tellColumns();
    const prepared = this.#prepare(text);
    if (/^SELECT\b/i.test(text)) {
      prepared.setReturnArrays(true);
      sub.rows = prepared.all() as unknown as Value[][];
      sub.resultRows = sub.rows.length;
      // SQLite has NULL for it.
      if (text.startsWith("SELECT 1 / CASE") && sub.rows[0]?.[0] === null)
        throw new Error("ERROR: division by zero");
    } else sub.resultRows = Number(prepared.run().changes);
  }

  #prepare(sql: string): ReturnType<DatabaseSync["prepare"]> {
    try {
      return this.#db.prepare(sql);
    } catch (error) {
      const [, table] = /no such table: (\S+)/.exec((error as Error).message) ?? [];
      throw table === undefined
        ? Object.assign(error as Error, { message: `${(error as Error).message} in ${sql}` })
        : new Error(`ERROR: relation "${table}" does not exist`);
    }
  }

  /** @returns whether it was a statement that makes or changes a table by its columns */
  #define(sql: string): boolean {
    const plain = withoutPhysical(sql);
    const [, altered, , alteredColumn, type] =
      /^ALTER TABLE (\S+) (ALTER COLUMN) "?([^" ]+)"? TYPE (\S+)/.exec(sql) ?? [];
    if (altered !== undefined) {
      const columns = this.#tables.get(unquoted(altered))!;
      const at = columns.findIndex(({ name }) => name === alteredColumn);
      columns[at] = { ...columns[at]!, type: type! };
      return true;
    }
    const [, grown, column] = /^ALTER TABLE (\S+) ADD COLUMN ([\s\S]+)/.exec(plain) ?? [];
    if (grown !== undefined) {
      this.#db.exec(plain);
      this.#tables.get(unquoted(grown))!.push(declaredColumn(column!));
      return true;
    }
    const declared = declaredTable(plain);
    if (declared === undefined) {
      const [, name] = /^DROP TABLE (?:IF EXISTS )?(\S+)/.exec(sql) ?? [];
      if (name !== undefined) this.#tables.delete(unquoted(name));
      return false;
    }
    this.#db.exec(plain);
    if (!this.#tables.has(declared.table)) this.#tables.set(declared.table, declared.columns);
    return true;
  }

  #copy(command: CopyCommand, queryId: number, loadErrors: LoadError[]): number {
    const { table, manifest, maxErrors } = command;
    const files = manifest ? this.#manifest(command.key) : [command.key];
    const name = unquoted(table);
    const all = this.#tables.get(name) ?? this.#stagedColumns(name);
    const columns = command.columns ? all.filter(({ name }) => command.columns!.includes(name)) : all;
    const list = columns.map(({ name }) => `"${name}"`).join(", ");
    const insert = this.#prepare(
      `INSERT INTO ${table} (${list}) VALUES (${columns.map(() => "?").join(", ")})`,
    );
    let [count, errors] = [0, 0];
    for (const key of files) {
      const lines = unpacked(this.#object(key), command.codec).toString().split("\n").slice(0, -1);
      for (const [i, line] of lines.entries()) {
        try {
          const fields = JSON.parse(line) as Record<string, unknown>;
          insert.run(...columns.map((column) => copied(fields[column.name], column)));
          count++;
        } catch (error) {
          const { message, column = "" } = error as Error & { column?: string };
          loadErrors.push({ queryId, file: `s3://lake/${key}`, line: i + 1, column, reason: message });
          if (++errors > maxErrors) {
            throw new Error(
              `ERROR: Load into table '${name.split(".").at(-1)}' failed.  Check 'sys_load_error_detail' system table for details.`,
              { cause: error },
            );
          }
        }
      }
    }
    return count;
  }

  #manifest(key: string): string[] {
    const { entries } = JSON.parse(this.#object(key).toString()) as { entries: { url: string }[] };
    return entries.map(({ url }) => url.replace(/^s3:\/\/[^/]+\//, ""));
  }

  #object(key: string): Buffer {
    const body = this.#options.read(key);
    if (body === undefined)
      throw new Error(`ERROR: NoSuchKey,Status 404,Error: The specified key ${key} does not exist`);
    return body;
  }

  /** Of a table that was made as another one is. */
  #stagedColumns(name: string): Column[] {
    const like = this.#db.prepare(`PRAGMA temp.table_info(${name})`).all() as {
      name: string;
      type: string;
    }[];
    const known = [...this.#tables.values()].flat();
    return like.map(({ name, type }) => ({
      name,
      // Where it was copied from says of which type it is.
      type: known.find((column) => column.name === name)?.type ?? type,
      isRequired: false,
    }));
  }

  #dropTemporary(): void {
    const tables = this.query<{ name: string }>("SELECT name FROM sqlite_temp_master WHERE type = 'table'");
    for (const { name } of tables) {
      this.#db.exec(`DROP TABLE temp."${name}"`);
      this.#tables.delete(name);
    }
  }

  /** What SVV_COLUMNS says. */
  #tellColumns(): void {
    this.#db.exec("DELETE FROM redshift.svv_columns");
    const insert = this.#db.prepare("INSERT INTO redshift.svv_columns VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
    for (const [table, columns] of this.#tables) {
      const [schema, name] = table.split(".");
      // Temporary tables are nobody else's.
      if (name === undefined) continue;
      for (const [i, column] of columns.entries()) {
        const { type, length } = typeOf(column);
        const nullable = column.isRequired ? "NO" : "YES";
        insert.run(schema!, name, column.name, i + 1, type, length, null, null, nullable, null);
      }
    }
  }
}

interface LoadError {
  readonly queryId: number;
  readonly file: string;
  readonly line: number;
  readonly column: string;
  readonly reason: string;
}

/** As SVV_COLUMNS names it. */
function typeOf({ type }: Column): { type: string; length: number | null } {
  const [, name, length] = /^(\w+)(?:\((\d+)\))?/.exec(type)!;
  const long: Record<string, string> = {
    varchar: "character varying",
    timestamp: "timestamp without time zone",
  };
  return { type: long[name!] ?? name!, length: length === undefined ? null : Number(length) };
}

function copied(value: unknown, column: Column): Value {
  const { type, length } = typeOf(column);
  if (value === undefined || value === null) {
    if (column.isRequired)
      throw Object.assign(new Error("Missing data for not-null field"), { column: column.name });
    return null;
  }
  if (type === "super") return JSON.stringify(value);
  const plain = typeof value === "string" ? value : JSON.stringify(value);
  if (type.startsWith("timestamp")) return Date.parse(`${plain.replace(" ", "T")}Z`);
  if (length !== null && Buffer.byteLength(plain) > length)
    throw Object.assign(new Error("String length exceeds DDL length"), { column: column.name });
  return typeof value === "number" ? value : plain;
}

function unpacked(body: Buffer, codec: CopyCommand["codec"]): Buffer {
  if (codec === "none") return body;
  return codec === "gzip" ? gunzipSync(body) : zstdDecompressSync(body);
}

function described({ id, subs, status, error }: Statement): DescribeStatementResponse {
  return {
    Id: id,
    Status: status,
    Error: error,
    Duration: 1e9,
    SubStatements: subs.map((sub) => ({
      Id: sub.id,
      Status: sub.status,
      Error: sub.error,
      QueryString: sub.sql.replace(LEADING_COMMENTS, ""),
      ResultRows: sub.resultRows,
      RedshiftQueryId: sub.queryId,
    })),
  };
}

const field = (value: Value): Field =>
  value === null
    ? { isNull: true }
    : typeof value === "number"
      ? { longValue: value }
      : { stringValue: value };

const named = (name: string, message: string): Error => Object.assign(new Error(message), { name });
