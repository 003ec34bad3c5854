import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import type { S3Client } from "@aws-sdk/client-s3";
import { Client, type ClientConfig, escapeIdentifier, type QueryArrayResult } from "pg";
import type { WarehouseConditions } from "./conditions.ts";
import { copy } from "./copy.ts";
import { isCopy, parseCopy } from "./copy-command.ts";
import { LoadError } from "./copy-row.ts";
import { translate } from "./dialect.ts";
import { errorText } from "./error-text.ts";

/** source: Redshift Data API reference, DescribeStatement, read 2026-11 */
export type Status = "SUBMITTED" | "STARTED" | "FINISHED" | "FAILED" | "ABORTED";

export interface SubStatement {
  readonly id: string;
  readonly sql: string;
  /** Stands in the rows of sys_load_error_detail that a failing COPY leaves. */
  readonly queryId: number;
  status: Status;
  error: string | undefined;
  /** Rows returned or affected. */
  resultRows: number;
  durationMs: number;
  result: QueryArrayResult<(string | null)[]> | undefined;
}

export interface StatementOptions {
  readonly sqls: readonly string[];
  /** False for ExecuteStatement and for AUTO_COMMIT: each SQL is its own transaction. */
  readonly transaction: boolean;
  /** Who submitted it: nobody else may ask of it. */
  readonly principal: string;
  readonly name: string | undefined;
  readonly withEvent: boolean;
  readonly database: string;
  /** User whose rights it has; the administrator when undefined. */
  readonly user: string | undefined;
}

export interface StatementParts {
  readonly postgres: ClientConfig;
  readonly s3: S3Client;
  /** Awaited when all has run and nothing is committed yet: holds a statement in STARTED. */
  readonly beforeCommit: ((statement: Statement) => Promise<void>) | undefined;
  readonly now: () => Date;
  readonly conditions: WarehouseConditions;
}

/** How long the Data API knows a statement once it is over. Redshift Data API, read 2026-11. */
export const RESULT_LIFETIME_MS = 24 * 3_600_000;

const INTERRUPT_EVERY_MS = 500;
const CANCELLED = "Query was cancelled";

let lastQueryId = 1_000;

/** Text as PostgreSQL sends it: the Data API has its own idea of types. */
const RAW_TYPES = { getTypeParser: () => (text: string) => text };

/** Another statement of the same user's may have been quicker: duplicate_object, or unique_violation in the catalog. */
function unlessThere(error: Error & { code?: string }): void {
  if (error.code !== "42710" && error.code !== "23505") throw error;
}

export const LEADING_COMMENTS = /^(?:\s|--[^\n]*(?:\n|$)|\/\*[\s\S]*?\*\/)+/;

/** One call of ExecuteStatement or BatchExecuteStatement, on a connection of its own. */
export class Statement {
  readonly id: string = randomUUID();
  readonly options: StatementOptions;
  readonly subs: readonly SubStatement[];
  readonly createdAt: Date;
  updatedAt: Date;
  status: Status = "SUBMITTED";
  error: string | undefined;
  /** Settles when the statement has reached its last status. */
  readonly done: Promise<void>;
  readonly #parts: StatementParts;
  readonly #cancelling = Promise.withResolvers<void>();
  #client: Client | undefined;
  #cancelled = false;
  /** Rows that its COPYs left out, by the COPY's id. */
  readonly #leftOut: { readonly error: LoadError; readonly queryId: number }[] = [];

  constructor(options: StatementOptions, parts: StatementParts) {
    this.options = options;
    this.#parts = parts;
    this.createdAt = this.updatedAt = parts.now();
    this.subs = options.sqls.map((sql, i) => ({
      id: `${this.id}:${i + 1}`,
      sql,
      queryId: ++lastQueryId,
      status: "SUBMITTED",
      error: undefined,
      resultRows: -1,
      durationMs: 0,
      result: undefined,
    }));
    this.done = this.#run();
  }

  get isOver(): boolean {
    return this.status === "FINISHED" || this.status === "FAILED" || this.status === "ABORTED";
  }

  /** @returns false when it was over already */
  async cancel(): Promise<boolean> {
    if (this.isOver) return false;
    if (this.#cancelled) return true;
    this.#cancelled = true;
    this.#cancelling.resolve();
    await this.#interrupt();
    // PostgreSQL lets one pass that comes before the query it is meant for.
    const again = setInterval(() => void this.#interrupt().catch(() => {}), INTERRUPT_EVERY_MS);
    void this.done.then(() => clearInterval(again));
    return true;
  }

  async #interrupt(): Promise<void> {
    const pid = (this.#client as { processID?: number } | undefined)?.processID;
    const isRunning = this.subs.some(({ status }) => status === "STARTED");
    if (pid === undefined || !isRunning) return;
    const other = new Client(this.#parts.postgres);
    await other.connect();
    try {
      await other.query("SELECT pg_cancel_backend($1)", [pid]);
    } finally {
      await other.end();
    }
  }

  async #run(): Promise<void> {
    const client = new Client({ ...this.#parts.postgres, types: RAW_TYPES });
    client.on("error", () => {}); // the query that notices has the error as well
    this.#client = client;
    try {
      await this.#unlessCancelled(this.#parts.conditions.awake);
      await client.connect();
      await this.#signIn(client);
      this.#become("STARTED");
      await (this.options.transaction ? this.#transaction(client) : this.#eachAlone(client));
      this.#become("FINISHED");
    } catch (error) {
      this.#fail(error as Error);
    } finally {
      await client.end().catch(() => {});
    }
  }

  /** A user who signs in for the first time is made, without any rights. */
  async #signIn(client: Client): Promise<void> {
    const { user } = this.options;
    if (user === undefined) return;
    const { rowCount } = await client.query("SELECT 1 FROM pg_roles WHERE rolname = $1", [user]);
    if (rowCount === 0) await client.query(`CREATE USER ${escapeIdentifier(user)}`).catch(unlessThere);
    await client.query(`SET ROLE ${escapeIdentifier(user)}`);
  }

  /** @throws Error as soon as it is cancelled */
  async #unlessCancelled(work: Promise<unknown>): Promise<void> {
    await Promise.race([work, this.#cancelling.promise]);
    if (this.#cancelled) throw new Error(CANCELLED);
  }

  /** REPEATABLE READ is PostgreSQL's snapshot isolation. */
  async #transaction(client: Client): Promise<void> {
    const isSerializable = this.#parts.conditions.isolation === "serializable";
    await client.query(`BEGIN ISOLATION LEVEL ${isSerializable ? "SERIALIZABLE" : "REPEATABLE READ"}`);
    try {
      for (const sub of this.subs) await this.#execute(sub, client);
      await this.#beforeCommit();
      await client.query("COMMIT");
      await this.#noteLoadErrors(client);
    } catch (error) {
      await client.query("ROLLBACK").catch(() => {});
      await this.#noteLoadErrors(client, error);
      throw error;
    }
  }

  async #eachAlone(client: Client): Promise<void> {
    let failed: unknown;
    for (const sub of this.subs) {
      try {
        await this.#execute(sub, client);
      } catch (error) {
        failed ??= error;
        await this.#noteLoadErrors(client, error);
      }
    }
    await this.#noteLoadErrors(client);
    await this.#beforeCommit();
    if (failed !== undefined) throw failed;
  }

  async #execute(sub: SubStatement, client: Client): Promise<void> {
    const startedAt = performance.now();
    try {
      if (this.#cancelled) throw new Error(CANCELLED);
      sub.status = "STARTED";
      const { slowMs } = this.#parts.conditions;
      if (slowMs > 0) await this.#unlessCancelled(sleep(slowMs, undefined, { ref: false }));
      const sql = sub.sql.replace(LEADING_COMMENTS, "");
      if (isCopy(sql)) {
        const { rows, errors } = await copy(parseCopy(sql), client, this.#parts.s3);
        sub.resultRows = rows;
        this.#leftOut.push(...errors.map((error) => ({ error, queryId: sub.queryId })));
      } else {
        const result = await client.query<(string | null)[]>({ text: translate(sql), rowMode: "array" });
        sub.resultRows = result.rowCount ?? -1;
        if (result.fields.length > 0) sub.result = result;
      }
      sub.status = "FINISHED";
    } catch (error) {
      sub.status = "FAILED";
      sub.error = errorText(error as Error, sub.sql, sub.queryId);
      throw error;
    } finally {
      sub.durationMs = performance.now() - startedAt;
    }
  }

  async #beforeCommit(): Promise<void> {
    await this.#parts.beforeCommit?.(this);
    if (this.#cancelled) throw new Error(CANCELLED);
  }

  /** SYS_LOAD_ERROR_DETAIL keeps what the rollback takes away. */
  async #noteLoadErrors(client: Client, thrown?: unknown): Promise<void> {
    const failed = this.subs.find(({ status }) => status === "FAILED")?.queryId;
    const refused = [
      ...this.#leftOut.splice(0),
      ...(thrown instanceof LoadError ? [{ error: thrown, queryId: failed }] : []),
    ];
    if (refused.length === 0) return;
    await client.query("RESET ROLE");
    for (const { error, queryId } of refused) {
      const { file, line, column, errorCode, reason } = error;
      await client.query(
        `INSERT INTO redshift.sys_load_error_detail VALUES ($1, redshift.getdate(), $2, $3, $4, $5, $6, $7, $8)`,
        [queryId, file, line, column?.name, column?.type, column?.maxBytes, errorCode, reason.slice(0, 512)],
      );
    }
    await this.#signIn(client);
  }

  #fail(error: Error): void {
    const at = this.subs.findIndex(({ status }) => status === "FAILED");
    const text = this.subs[at]?.error ?? errorText(error, "COMMIT", this.subs.at(-1)!.queryId);
    for (const sub of this.subs) if (sub.status === "SUBMITTED") sub.status = "ABORTED";
    const batch = this.subs.length > 1 && at !== -1;
    this.error = batch ? `Query #${at + 1} failed with ${text}` : text;
    this.#become(this.#cancelled ? "ABORTED" : "FAILED");
  }

  #become(status: Status): void {
    this.status = status;
    this.updatedAt = this.#parts.now();
  }
}
