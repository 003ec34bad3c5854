import { setTimeout as sleep } from "node:timers/promises";
import { ApiError } from "./api-error.ts";
import { describeStatement, seconds, shownSql, statementResult } from "./describe-statement.ts";
import { bindParameters } from "./parameters.ts";
import { type Operation, parseRequest, type Request, type Submission } from "./request.ts";
import { RESULT_LIFETIME_MS, Statement, type StatementOptions, type StatementParts } from "./statement.ts";
import { type StatementEvent, statementEvent } from "./statement-event.ts";

/** How long a ClientToken stands for its statement. Redshift Data API, read 2026-11. */
const TOKEN_LIFETIME_MS = 8 * 3_600_000;
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

/** Who calls, by the access key that a request was signed with. */
export type Principal = string;

/** The Redshift Data API's operations. Each takes and returns what JSON 1.1 carries. */
export class DataApi {
  readonly #options: DataApiOptions;
  readonly #statements = new Map<string, Statement>();
  readonly #tokens = new Map<string, { id: string; at: number }>();
  readonly #stopped = new AbortController();

  constructor(options: DataApiOptions) {
    this.#options = options;
  }

  /** @throws ApiError */
  async call(operation: string, input: unknown, principal: Principal): Promise<object> {
    switch (operation) {
      case "ExecuteStatement": {
        const request = parseRequest("ExecuteStatement", input);
        return this.#submit(request, [request.Sql], false, principal);
      }
      case "BatchExecuteStatement": {
        const request = parseRequest("BatchExecuteStatement", input);
        return this.#submit(request, request.Sqls, request.ExecutionMode !== "AUTO_COMMIT", principal);
      }
      case "DescribeStatement":
        return this.#describe(parseRequest("DescribeStatement", input), principal);
      case "GetStatementResult":
        return this.#result(parseRequest("GetStatementResult", input), principal);
      case "CancelStatement":
        return this.#cancel(parseRequest("CancelStatement", input), principal);
      case "ListStatements":
        return this.#list(parseRequest("ListStatements", input), principal);
      default:
        throw new ApiError("UnknownOperationException", `the local warehouse has no ${operation}`);
    }
  }

  /** Ends what runs, as a cluster does that is paused. */
  cancelAll(): void {
    for (const statement of this.#statements.values()) void statement.cancel();
  }

  /** Cancels what runs and waits for it. */
  async stop(): Promise<void> {
    this.#stopped.abort();
    const active = [...this.#statements.values()].filter(({ isOver }) => !isOver);
    await Promise.all(active.map((statement) => statement.cancel().then(() => statement.done)));
  }

  async #submit(
    request: Submission,
    sqls: readonly string[],
    transaction: boolean,
    principal: Principal,
  ): Promise<object> {
    if (this.#options.conditions.isPaused) {
      throw new ApiError("ValidationException", "Redshift endpoint doesn't exist in this region.");
    }
    this.#checkTarget(request);
    const bound = bind(sqls, request);
    const token = request.ClientToken === undefined ? undefined : `${principal} ${request.ClientToken}`;
    const known = this.#known(token);
    if (known && this.#options.conditions.changedSql === "refused" && !isSame(known, bound)) {
      const message = `ClientToken ${request.ClientToken} was given for other SQL`;
      throw new ApiError("ValidationException", message);
    }
    const statement = known ?? this.#start(request, bound, transaction, principal, token);
    await waited(statement, request);
    const { id: Id, createdAt, status: Status } = statement;
    return { Id, CreatedAt: seconds(createdAt), ...this.#target(), Status };
  }

  #start(
    request: Submission,
    sqls: readonly string[],
    transaction: boolean,
    principal: Principal,
    token: string | undefined,
  ): Statement {
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
      principal,
      name: request.StatementName,
      withEvent: request.WithEvent === true,
      database: this.#options.database,
      // The one secret there is is the administrator's.
      user: request.SecretArn === undefined ? this.#options.user : undefined,
    };
    const statement = new Statement(options, this.#options);
    this.#statements.set(statement.id, statement);
    this.#forgetOldest();
    if (token !== undefined) {
      this.#tokens.set(token, { id: statement.id, at: this.#options.now().getTime() });
    }
    if (options.withEvent) void statement.done.then(() => this.#tell(statement));
    return statement;
  }

  /** Sends the event of a statement's end, as often and as late as it comes. */
  #tell(statement: Statement): void {
    const { onStatementEvent, conditions } = this.#options;
    if (!onStatementEvent) return;
    const event = statementEvent(statement);
    for (const delayMs of conditions.delivery(event)) {
      if (delayMs === 0) onStatementEvent(event);
      else
        void sleep(delayMs, undefined, { signal: this.#stopped.signal }).then(
          () => onStatementEvent(event),
          () => undefined,
        );
    }
  }

  /** The statement that a token of the last 8 hours stands for. */
  #known(token: string | undefined): Statement | undefined {
    if (token === undefined) return undefined;
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

  #checkTarget(input: Submission): void {
    const { target, database } = this.#options;
    const [field, other, name, what] =
      "workgroup" in target
        ? (["WorkgroupName", "ClusterIdentifier", target.workgroup, "workgroup"] as const)
        : (["ClusterIdentifier", "WorkgroupName", target.cluster, "cluster"] as const);
    if (input[other] !== undefined || input[field] === undefined) {
      throw new ApiError("ValidationException", `${field} is required: the local warehouse is a ${what}`);
    }
    const named = input[field].split("/").at(-1);
    if (named !== name) {
      throw new ApiError(
        "ValidationException",
        `Redshift endpoint doesn't exist in this region: no ${what} ${named}, there is ${name}`,
      );
    }
    if (input.Database !== database) {
      throw new ApiError("ValidationException", `FATAL: database "${input.Database}" does not exist`);
    }
  }

  /** The warehouse as answers name it. */
  #target(): object {
    const { target, database: Database } = this.#options;
    return "workgroup" in target
      ? { WorkgroupName: target.workgroup, Database }
      : { ClusterIdentifier: target.cluster, Database };
  }

  /** @throws ApiError ResourceNotFoundException, AccessDeniedException for a statement of another role's */
  #find(operation: Operation, id: string, principal: Principal) {
    const [whole, number] = id.split(":");
    const statement = this.#statements.get(whole!);
    const sub = number === undefined ? undefined : statement?.subs[Number(number) - 1];
    const expired =
      statement && this.#options.now().getTime() - statement.updatedAt.getTime() > RESULT_LIFETIME_MS;
    if (!statement || expired || (number !== undefined && !sub)) {
      throw new ApiError("ResourceNotFoundException", `Query does not exist: ${id}`);
    }
    if (statement.options.principal !== principal) {
      const message = `User: ${principal} is not authorized to perform: redshift-data:${operation}`;
      throw new ApiError("AccessDeniedException", message);
    }
    return { statement, sub };
  }

  async #describe(request: Request<"DescribeStatement">, principal: Principal): Promise<object> {
    const { statement, sub } = this.#find("DescribeStatement", request.Id, principal);
    await waited(statement, request);
    const { comments } = this.#options.conditions;
    return { ...this.#target(), ...describeStatement(statement, sub, comments === "kept") };
  }

  async #result(request: Request<"GetStatementResult">, principal: Principal): Promise<object> {
    const { statement, sub } = this.#find("GetStatementResult", request.Id, principal);
    await waited(statement, request);
    const { status, result } = sub ?? statement.subs.at(-1)!;
    if (status !== "FINISHED" || !result) {
      throw new ApiError("ResourceNotFoundException", `Query does not have result. Status: ${status}`);
    }
    return statementResult(result, request.NextToken);
  }

  async #cancel({ Id }: Request<"CancelStatement">, principal: Principal): Promise<object> {
    const { statement } = this.#find("CancelStatement", Id, principal);
    if (!(await statement.cancel())) {
      throw new ApiError(
        "ValidationException",
        `Could not cancel a query that is already in ${statement.status} state`,
      );
    }
    return { Status: true };
  }

  #list(request: Request<"ListStatements">, principal: Principal): object {
    const { Status: status, StatementName: prefix, MaxResults: max = 100 } = request;
    const isKept = this.#options.conditions.comments === "kept";
    const Statements = [...this.#statements.values()]
      .reverse()
      .filter(({ options }) => options.principal === principal)
      .filter((statement) => status === undefined || status === "ALL" || statement.status === status)
      .filter(({ options }) => prefix === undefined || options.name?.startsWith(prefix))
      .slice(0, max)
      .map(({ id, status, options, createdAt, updatedAt, subs }) => ({
        Id: id,
        Status: status,
        StatementName: options.name,
        QueryStrings: options.sqls.map((sql) => shownSql(sql, isKept)),
        IsBatchStatement: subs.length > 1,
        CreatedAt: seconds(createdAt),
        UpdatedAt: seconds(updatedAt),
      }));
    return { Statements };
  }
}

/** @throws ApiError ValidationException for parameters that do not belong to the SQL */
function bind(sqls: readonly string[], { Parameters }: Submission): readonly string[] {
  if (Parameters === undefined) return sqls;
  try {
    return bindParameters(sqls, Parameters);
  } catch (error) {
    throw new ApiError("ValidationException", (error as Error).message);
  }
}

const isSame = ({ options }: Statement, sqls: readonly string[]): boolean =>
  options.sqls.length === sqls.length && options.sqls.every((sql, i) => sql === sqls[i]);

/** WaitTimeSeconds: returns when the statement is over or the time is. */
async function waited(
  statement: Statement,
  { WaitTimeSeconds: wait }: { readonly WaitTimeSeconds?: number | undefined },
): Promise<void> {
  if (wait === undefined || wait === 0 || statement.isOver) return;
  let timer: NodeJS.Timeout | undefined;
  const over = new Promise<void>((resolve) => (timer = setTimeout(resolve, wait * 1_000)));
  await Promise.race([statement.done, over]);
  clearTimeout(timer);
}
