import {
  BatchExecuteStatementCommand,
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
const QUESTION_WAITS = 3;

/** The warehouse, through the Redshift Data API. */
export class DataApi {
  /** Names it among others: the workgroup or cluster, and the database. */
  readonly warehouse: string;
  readonly #client: RedshiftDataClient;
  readonly #database: { readonly Database: string };

  constructor(client: RedshiftDataClient, { database, ...target }: Database) {
    this.#client = client;
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

  async #finished(id: string): Promise<void> {
    for (let waits = 0; waits < QUESTION_WAITS; waits++) {
      const command = new DescribeStatementCommand({ Id: id, WaitTimeSeconds: WAIT_MAX_SECONDS });
      const { Status, Error: error } = await this.#client.send(command);
      if (Status === "FINISHED") return;
      if (Status === "FAILED" || Status === "ABORTED") {
        throw new LoaderError("STATEMENT", error ?? `the statement was ${Status.toLowerCase()}`);
      }
    }
    const waited = QUESTION_WAITS * WAIT_MAX_SECONDS;
    throw new LoaderError("NOT_IN_TIME", `statement ${id} did not end within ${waited} s`);
  }
}

function valueOf(field: Field): Value {
  return field.stringValue ?? field.longValue ?? field.doubleValue ?? field.booleanValue;
}
