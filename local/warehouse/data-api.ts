import { DATA_API_BATCH_MAX_STATEMENTS, DATA_API_SQL_MAX_BYTES } from "../../wire/limits.ts";
import { describeStatement, seconds, statementResult } from "./describe-statement.ts";
import {
  RESULT_LIFETIME_MS,
  Statement,
  type StatementOptions,
  type StatementParts,
  type SubStatement,
} from "./statement.ts";
import { type StatementEvent, statementEvent } from "./statement-event.ts";

/** An error with a name of the API's, answered with HTTP 400. */
export class ApiError extends Error {
  override name = "ApiError";
  readonly type: string;

  constructor(type: string, message: string) {
    super(message);
    this.type = type;
  }
}

/** How long a ClientToken stands for its statement. Redshift Data API, read 2026-11. */
const TOKEN_LIFETIME_MS = 8 * 3_600_000;
const WAIT_MAX_SECONDS = 30;
/** Ours, below PostgreSQL's max_connections; the service's own number moves, its error does not. */
const ACTIVE_MAX = 40;
/** Statements remembered: a laptop's, not the service's. */
const STATEMENTS_MAX = 10_000;

/** What statements are sent to: the workgroup of this name, or the cluster. */
export type WarehouseTarget = { readonly workgroup: string } | { readonly cluster: string };

export interface DataApiOptions extends StatementParts {
  readonly target: WarehouseTarget;
  readonly database: string;
  /** User of callers without a secret, who sign in under their role; the administrator when undefined. */
  readonly user: string | undefined;
  readonly onStatementEvent: ((event: StatementEvent) => void) | undefined;
}

type Input = Record<string, unknown>;

/** The Redshift Data API's operations. Each takes and returns what JSON 1.1 carries. */
export class DataApi {
  readonly #options: DataApiOptions;
  readonly #statements = new Map<string, Statement>();
  readonly #tokens = new Map<string, { id: string; at: number }>();

  constructor(options: DataApiOptions) {
    this.#options = options;
  }

  /** @throws ApiError */
  async call(operation: string, input: Input): Promise<object> {
    switch (operation) {
      case "ExecuteStatement":
        return this.#submit(input, [required(input, "Sql")], false);
      case "BatchExecuteStatement":
        return this.#submit(input, batch(input), input["ExecutionMode"] !== "AUTO_COMMIT");
      case "DescribeStatement":
        return this.#describe(input);
      case "GetStatementResult":
        return this.#result(input);
      case "CancelStatement":
        return this.#cancel(input);
      case "ListStatements":
        return this.#list(input);
      default:
        throw new ApiError("UnknownOperationException", `the local warehouse has no ${operation}`);
    }
  }

  /** Cancels what runs and waits for it. */
  async stop(): Promise<void> {
    const active = [...this.#statements.values()].filter(({ isOver }) => !isOver);
    await Promise.all(active.map((statement) => statement.cancel().then(() => statement.done)));
  }

  async #submit(input: Input, sqls: readonly string[], transaction: boolean): Promise<object> {
    this.#checkTarget(input);
    checkSize(sqls);
    if (input["Parameters"] !== undefined) {
      throw new ApiError("ValidationException", "the local warehouse takes no Parameters");
    }
    const statement = this.#known(input["ClientToken"]) ?? this.#start(input, sqls, transaction);
    await waited(statement, input);
    const { id: Id, createdAt, status: Status } = statement;
    return { Id, CreatedAt: seconds(createdAt), ...this.#target(), Status };
  }

  #start(input: Input, sqls: readonly string[], transaction: boolean): Statement {
    const active = [...this.#statements.values()].filter(({ isOver }) => !isOver).length;
    if (active >= ACTIVE_MAX) {
      throw new ApiError(
        "ActiveStatementsExceededException",
        `Active statements exceeded the allowed quota (${ACTIVE_MAX})`,
      );
    }
    const options: StatementOptions = {
      sqls,
      transaction,
      name: input["StatementName"] as string | undefined,
      withEvent: input["WithEvent"] === true,
      database: this.#options.database,
      // The one secret there is is the administrator's.
      user: input["SecretArn"] === undefined ? this.#options.user : undefined,
    };
    const statement = new Statement(options, this.#options);
    this.#statements.set(statement.id, statement);
    this.#forgetOldest();
    const token = input["ClientToken"];
    if (typeof token === "string") {
      this.#tokens.set(token, { id: statement.id, at: this.#options.now().getTime() });
    }
    if (options.withEvent)
      void statement.done.then(() => this.#options.onStatementEvent?.(statementEvent(statement)));
    return statement;
  }

  /** The statement that a token of the last 8 hours stands for. */
  #known(token: unknown): Statement | undefined {
    if (typeof token !== "string") return undefined;
    const entry = this.#tokens.get(token);
    if (entry && this.#options.now().getTime() - entry.at < TOKEN_LIFETIME_MS) {
      return this.#statements.get(entry.id);
    }
    this.#tokens.delete(token);
    return undefined;
  }

  #forgetOldest(): void {
    for (const [id, statement] of this.#statements) {
      if (this.#statements.size <= STATEMENTS_MAX) return;
      if (statement.isOver) this.#statements.delete(id);
    }
  }

  #checkTarget(input: Input): void {
    const { target, database } = this.#options;
    const [field, other, name, what] =
      "workgroup" in target
        ? (["WorkgroupName", "ClusterIdentifier", target.workgroup, "workgroup"] as const)
        : (["ClusterIdentifier", "WorkgroupName", target.cluster, "cluster"] as const);
    if (input[other] !== undefined || input[field] === undefined) {
      throw new ApiError("ValidationException", `${field} is required: the local warehouse is a ${what}`);
    }
    const named = required(input, field).split("/").at(-1);
    if (named !== name) {
      throw new ApiError(
        "ValidationException",
        `Redshift endpoint doesn't exist in this region: no ${what} ${named}, there is ${name}`,
      );
    }
    if (required(input, "Database") !== database) {
      throw new ApiError(
        "ValidationException",
        `FATAL: database "${String(input["Database"])}" does not exist`,
      );
    }
  }

  /** The warehouse as answers name it. */
  #target(): object {
    const { target, database: Database } = this.#options;
    return "workgroup" in target
      ? { WorkgroupName: target.workgroup, Database }
      : { ClusterIdentifier: target.cluster, Database };
  }

  #find(input: Input): { statement: Statement; sub: SubStatement | undefined } {
    const id = required(input, "Id");
    const [whole, number] = id.split(":");
    const statement = this.#statements.get(whole!);
    const sub = number === undefined ? undefined : statement?.subs[Number(number) - 1];
    const expired =
      statement && this.#options.now().getTime() - statement.updatedAt.getTime() > RESULT_LIFETIME_MS;
    if (!statement || expired || (number !== undefined && !sub)) {
      throw new ApiError("ResourceNotFoundException", `Query does not exist: ${id}`);
    }
    return { statement, sub };
  }

  async #describe(input: Input): Promise<object> {
    const { statement, sub } = this.#find(input);
    await waited(statement, input);
    return { ...this.#target(), ...describeStatement(statement, sub) };
  }

  async #result(input: Input): Promise<object> {
    const { statement, sub } = this.#find(input);
    await waited(statement, input);
    const { status, result } = sub ?? statement.subs.at(-1)!;
    if (status !== "FINISHED" || !result) {
      throw new ApiError("ResourceNotFoundException", `Query does not have result. Status: ${status}`);
    }
    return statementResult(result);
  }

  async #cancel(input: Input): Promise<object> {
    const { statement } = this.#find(input);
    if (!(await statement.cancel())) {
      throw new ApiError(
        "ValidationException",
        `Could not cancel a query that is already in ${statement.status} state`,
      );
    }
    return { Status: true };
  }

  #list(input: Input): object {
    const { Status: status, StatementName: prefix, MaxResults: max } = input;
    const Statements = [...this.#statements.values()]
      .reverse()
      .filter((statement) => status === undefined || status === "ALL" || statement.status === status)
      .filter(({ options }) => typeof prefix !== "string" || options.name?.startsWith(prefix))
      .slice(0, typeof max === "number" ? max : 100)
      .map(({ id, status, options, createdAt, updatedAt, subs }) => ({
        Id: id,
        Status: status,
        StatementName: options.name,
        QueryStrings: options.sqls,
        IsBatchStatement: subs.length > 1,
        CreatedAt: seconds(createdAt),
        UpdatedAt: seconds(updatedAt),
      }));
    return { Statements };
  }
}

function batch(input: Input): string[] {
  const sqls = input["Sqls"];
  if (!Array.isArray(sqls) || sqls.length === 0 || sqls.length > DATA_API_BATCH_MAX_STATEMENTS) {
    const count = Array.isArray(sqls) ? sqls.length : 0;
    throw new ApiError(
      "ValidationException",
      `Sqls has ${count} statements, it takes 1 to ${DATA_API_BATCH_MAX_STATEMENTS}`,
    );
  }
  return sqls.map(String);
}

function checkSize(sqls: readonly string[]): void {
  const bytes = sqls.reduce((sum, sql) => sum + Buffer.byteLength(sql), 0);
  if (bytes > DATA_API_SQL_MAX_BYTES) {
    throw new ApiError("ValidationException", `SQL of ${bytes} bytes, at most ${DATA_API_SQL_MAX_BYTES}`);
  }
}

function required(input: Input, name: string): string {
  const value = input[name];
  if (typeof value === "string" && value !== "") return value;
  throw new ApiError("ValidationException", `${name} is required`);
}

/** WaitTimeSeconds: returns when the statement is over or the time is. */
async function waited(statement: Statement, input: Input): Promise<void> {
  const wait = input["WaitTimeSeconds"];
  if (typeof wait !== "number" || wait <= 0 || statement.isOver) return;
  if (wait > WAIT_MAX_SECONDS) {
    throw new ApiError("ValidationException", `WaitTimeSeconds is at most ${WAIT_MAX_SECONDS}`);
  }
  let timer: NodeJS.Timeout | undefined;
  const over = new Promise<void>((resolve) => (timer = setTimeout(resolve, wait * 1_000)));
  await Promise.race([statement.done, over]);
  clearTimeout(timer);
}
