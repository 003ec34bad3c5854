import {
  BatchExecuteStatementCommand,
  CancelStatementCommand,
  type DescribeStatementResponse,
  DescribeStatementCommand,
  ExecuteStatementCommand,
  type Field,
  GetStatementResultCommand,
  type RedshiftDataClient,
} from "@aws-sdk/client-redshift-data";
import { LoaderError } from "./loader-error.ts";

/** A database of a Serverless workgroup, or of a cluster; there, a user may be named in place of the role's own. */
export type Database = { readonly database: string } & (
  | { readonly workgroup: string }
  | { readonly cluster: string; readonly dbUser?: string | undefined }
);

export type Value = string | number | boolean | undefined;

/** The longest that DescribeStatement waits. Redshift Data API reference, read 2026-11. */
const WAIT_MAX_SECONDS = 30;
/** Looking up a table is a matter of a second, but a warehouse that sleeps must wake up first. */
const QUESTION_MAX_SECONDS = 90;
/**
 * An ALTER waits for those who read the table, and whoever comes after it waits for the ALTER: it gives up before they
 * notice. It is tried again.
 */
const ALTER_MAX_SECONDS = 60;

/** The warehouse, through the Redshift Data API. */
export class DataApi {
  /** Names it among others: the workgroup or cluster, and the database. */
  readonly warehouse: string;
  readonly #client: RedshiftDataClient;
  readonly #alterMaxSeconds: number;
  readonly #database: { readonly Database: string };

  constructor(
    client: RedshiftDataClient,
    { database, ...target }: Database,
    alterMaxSeconds = ALTER_MAX_SECONDS,
  ) {
    this.#client = client;
    this.#alterMaxSeconds = alterMaxSeconds;
    const name = "workgroup" in target ? `workgroup:${target.workgroup}` : `cluster:${target.cluster}`;
    this.warehouse = `${name}/${database}`;
    this.#database = {
      Database: database,
      ...("workgroup" in target
        ? { WorkgroupName: target.workgroup }
        : { ClusterIdentifier: target.cluster, DbUser: target.dbUser }),
    };
  }

  /** Submits one transaction and does not wait for it. @returns its statement id */
  async submit(name: string, clientToken: string, sqls: readonly string[]): Promise<string> {
    const command = new BatchExecuteStatementCommand({
      ...this.#database,
      Sqls: [...sqls],
      StatementName: name,
      ClientToken: clientToken,
      WithEvent: true,
    });
    return (await this.#client.send(command)).Id!;
  }

  /** @returns undefined once the service has forgotten the statement, after 24 hours */
  async describe(id: string): Promise<DescribeStatementResponse | undefined> {
    try {
      return await this.#client.send(new DescribeStatementCommand({ Id: id }));
    } catch (error) {
      if ((error as Error).name === "ResourceNotFoundException") return undefined;
      throw error;
    }
  }

  /** Ends a statement that still runs, and does nothing about one that is over. */
  async cancel(id: string): Promise<void> {
    try {
      await this.#client.send(new CancelStatementCommand({ Id: id }));
    } catch (error) {
      // ValidationException: it is over by now.
      if (!["ValidationException", "ResourceNotFoundException"].includes((error as Error).name)) throw error;
    }
  }

  /**
   * Runs short statements as one transaction and waits for the rows of the last.
   *
   * @throws LoaderError STATEMENT with the warehouse's words, NOT_IN_TIME
   */
  async ask(sqls: readonly string[]): Promise<Value[][]> {
    const command = new BatchExecuteStatementCommand({ ...this.#database, Sqls: [...sqls] });
    const id = (await this.#client.send(command)).Id!;
    await this.#finished(id);
    const last = `${id}:${sqls.length}`;
    const rows: Value[][] = [];
    let NextToken: string | undefined;
    do {
      const page = await this.#client.send(new GetStatementResultCommand({ Id: last, NextToken }));
      for (const record of page.Records ?? []) rows.push(record.map(valueOf));
      NextToken = page.NextToken;
    } while (NextToken !== undefined);
    return rows;
  }

  /** Runs one statement outside any transaction and waits for its end. @throws LoaderError */
  async run(sql: string): Promise<void> {
    const command = new ExecuteStatementCommand({ ...this.#database, Sql: sql });
    await this.#finished((await this.#client.send(command)).Id!);
  }

  /** Runs statements without rows as one transaction and waits for its end. @throws LoaderError */
  async runAll(sqls: readonly string[]): Promise<void> {
    const command = new BatchExecuteStatementCommand({ ...this.#database, Sqls: [...sqls] });
    await this.#finished((await this.#client.send(command)).Id!);
  }

  /**
   * Changes a table: one statement outside any transaction, or several in one. Cancelled where it does not end in time.
   *
   * @throws LoaderError STATEMENT, NOT_IN_TIME
   */
  async alter(sqls: readonly string[]): Promise<void> {
    const { Id } =
      sqls.length === 1
        ? await this.#client.send(new ExecuteStatementCommand({ ...this.#database, Sql: sqls[0] }))
        : await this.#client.send(new BatchExecuteStatementCommand({ ...this.#database, Sqls: [...sqls] }));
    try {
      await this.#finished(Id!, this.#alterMaxSeconds);
    } catch (error) {
      if (!(error instanceof LoaderError) || error.code !== "NOT_IN_TIME") throw error;
      // It may end at this very moment: then there is nothing to cancel.
      await this.#client.send(new CancelStatementCommand({ Id })).catch(() => undefined);
      await this.#finished(Id!, WAIT_MAX_SECONDS).catch(() => {
        const hint = "somebody reads the table: svv_transactions says who";
        throw new LoaderError("NOT_IN_TIME", `${error.message} and was cancelled`, hint);
      });
    }
  }

  async #finished(id: string, maxSeconds = QUESTION_MAX_SECONDS): Promise<void> {
    for (let left = maxSeconds; left > 0; left -= WAIT_MAX_SECONDS) {
      const WaitTimeSeconds = Math.min(left, WAIT_MAX_SECONDS);
      const command = new DescribeStatementCommand({ Id: id, WaitTimeSeconds });
      const { Status, Error: error } = await this.#client.send(command);
      if (Status === "FINISHED") return;
      if (Status === "FAILED" || Status === "ABORTED") {
        throw new LoaderError("STATEMENT", error ?? `the statement was ${Status.toLowerCase()}`);
      }
    }
    throw new LoaderError("NOT_IN_TIME", `statement ${id} did not end within ${maxSeconds} s`);
  }
}

function valueOf(field: Field): Value {
  return field.stringValue ?? field.longValue ?? field.doubleValue ?? field.booleanValue;
}
