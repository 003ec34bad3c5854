import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { buffer } from "node:stream/consumers";
import { S3Client } from "@aws-sdk/client-s3";
import { Client, type ClientConfig, escapeIdentifier, Pool } from "pg";
import { CREDENTIALS } from "../credentials.ts";
import { ApiError } from "./api-error.ts";
import { type CallFault, WarehouseConditions } from "./conditions.ts";
import { DataApi } from "./data-api.ts";
import type { WarehouseTarget } from "./data-api.ts";
import { installDialect } from "./dialect.ts";
import { type Postgres, startPostgres } from "./postgres.ts";
import type { Statement } from "./statement.ts";
import type { StatementEvent } from "./statement-event.ts";

/** The Data API's part of a request: SQL of 100 KB and little else. */
const REQUEST_MAX_BYTES = 2 ** 20;

export type WarehouseOptions = WarehouseTarget & {
  /** Where PostgreSQL keeps its files; they outlive a restart. */
  readonly dataDir: string;
  /** Where COPY finds s3:// objects. */
  readonly s3: { readonly endpoint: string };
  readonly database: string;
  /** One that runs, and outlives it; one of its own in `dataDir` when absent. */
  readonly postgres?: Postgres | undefined;
  /** User whose rights callers have that bring no secret: all rights when absent. */
  readonly user?: string | undefined;
  /** Told when a statement submitted WithEvent has ended, in EventBridge's shape. */
  readonly onStatementEvent?: (event: StatementEvent) => void;
  /** Awaited when a statement has run but is not committed; until then it stays STARTED. */
  readonly beforeCommit?: (statement: Statement) => Promise<void>;
  readonly now?: () => Date;
  readonly signal?: AbortSignal;
};

export interface Warehouse {
  /** For AWS_ENDPOINT_URL_REDSHIFT_DATA. */
  readonly endpoint: string;
  /** Port of PostgreSQL on 127.0.0.1. */
  readonly port: number;
  readonly postgres: Postgres;
  readonly database: string;
  /** What goes wrong with it from now on, for tests to say. */
  readonly conditions: WarehouseConditions;
  /** Runs one SQL past the Data API; rows by column name. */
  query<Row extends object = Record<string, unknown>>(
    sql: string,
    values?: readonly unknown[],
  ): Promise<Row[]>;
  stop(): Promise<void>;
}

/**
 * A Redshift Data API server over a real PostgreSQL: what the loader meets in place of Redshift.
 *
 * @throws WarehouseError naming the part that failed
 */
export async function startWarehouse(options: WarehouseOptions): Promise<Warehouse> {
  const { dataDir, database, signal } = options;
  const postgres = options.postgres ?? (await startPostgres(dataDir, signal));
  const stopPostgres = async (): Promise<void> => (options.postgres ? undefined : postgres.stop());
  const { port, user, password } = postgres;
  const connection: ClientConfig = { host: "127.0.0.1", port, user, password, database };
  try {
    await createDatabase(connection, database);
    const s3 = new S3Client({ endpoint: options.s3.endpoint, forcePathStyle: true, ...LOCAL });
    const conditions = new WarehouseConditions(() => api.cancelAll());
    const api: DataApi = new DataApi({
      conditions,
      target: "workgroup" in options ? { workgroup: options.workgroup } : { cluster: options.cluster },
      database,
      user: options.user,
      postgres: connection,
      s3,
      onStatementEvent: options.onStatementEvent,
      beforeCommit: options.beforeCommit,
      now: options.now ?? (() => new Date()),
    });
    const pool = new Pool({ ...connection, max: 4 });
    pool.on("error", () => {}); // idle connections end with PostgreSQL
    const server = await listen(api, conditions);
    return {
      conditions,
      endpoint: server.endpoint,
      port,
      postgres,
      database,
      query: async <Row extends object>(sql: string, values: readonly unknown[] = []) =>
        (await pool.query<Row & Record<string, unknown>>(sql, [...values])).rows,
      async stop() {
        await server.close();
        await api.stop();
        await pool.end();
        s3.destroy();
        await stopPostgres();
      },
    };
  } catch (error) {
    await stopPostgres();
    throw error;
  }
}

const LOCAL = { region: process.env["AWS_REGION"] ?? "us-east-1", credentials: CREDENTIALS };

async function createDatabase(connection: ClientConfig, database: string): Promise<void> {
  const admin = new Client({ ...connection, database: "postgres" });
  await admin.connect();
  try {
    const { rowCount } = await admin.query("SELECT 1 FROM pg_database WHERE datname = $1", [database]);
    if (rowCount === 0) await admin.query(`CREATE DATABASE ${escapeIdentifier(database)}`);
  } finally {
    await admin.end();
  }
  const client = new Client(connection);
  await client.connect();
  try {
    await installDialect(client, database);
  } finally {
    await client.end();
  }
}

async function listen(
  api: DataApi,
  conditions: WarehouseConditions,
): Promise<{ endpoint: string; close(): Promise<void> }> {
  // A client that uses a connection again in the moment in which it is closed for idleness gets a reset.
  const server = createServer(
    { keepAliveTimeout: 0 },
    (request, response) => void answer(api, conditions, request, response),
  );
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject).listen(0, "127.0.0.1", resolve);
  });
  const { port } = server.address() as { port: number };
  return {
    endpoint: `http://127.0.0.1:${port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** JSON 1.1: the operation is in X-Amz-Target, errors have their name in __type. */
async function answer(
  api: DataApi,
  conditions: WarehouseConditions,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const reply = (status: number, body: object): void => {
    response.writeHead(status, { "content-type": "application/x-amz-json-1.1" }).end(JSON.stringify(body));
  };
  try {
    if (Number(request.headers["content-length"] ?? 0) > REQUEST_MAX_BYTES) {
      throw new ApiError("ValidationException", `a request has at most ${REQUEST_MAX_BYTES} bytes`);
    }
    const operation = String(request.headers["x-amz-target"]).replace(/^RedshiftData\./, "");
    const input = JSON.parse((await buffer(request)).toString("utf8")) as unknown;
    const fault = conditions.fault(operation);
    if (fault === "lost-request") return void request.socket.destroy();
    if (fault !== undefined && fault !== "lost-answer") throw REFUSALS[fault];
    const answered = await api.call(operation, input, principalOf(request));
    if (fault === "lost-answer") return void request.socket.destroy();
    reply(200, answered);
  } catch (error) {
    const { type, status } =
      error instanceof ApiError ? error : { type: "InternalServerException", status: 500 };
    reply(status, { __type: type, message: (error as Error).message });
  }
}

const REFUSALS: Readonly<Record<Exclude<CallFault, "lost-request" | "lost-answer">, ApiError>> = {
  throttled: new ApiError("ThrottlingException", "Rate exceeded"),
  unavailable: new ApiError("InternalServerException", "Internal server error", 503),
  "too-many-sessions": new ApiError("ActiveSessionsExceededException", "Active sessions exceeded the quota"),
};

/** AWS4-HMAC-SHA256 Credential=<access key>/..., as each of the SDK's requests is signed. */
function principalOf({ headers }: IncomingMessage): string {
  return /Credential=([^/,]+)/.exec(headers.authorization ?? "")?.[1] ?? "anonymous";
}
