import {
  BatchExecuteStatementCommand,
  DescribeStatementCommand,
  ExecuteStatementCommand,
  GetStatementResultCommand,
  type RedshiftDataClient,
} from "@aws-sdk/client-redshift-data";
import { GrantsError } from "./grants-error.ts";

export interface AdminTarget {
  readonly workgroup: string;
  readonly database: string;
  /** Name or ARN of the administrator's secret. */
  readonly secret: string;
}

/** The longest that DescribeStatement waits. Redshift Data API reference, read 2026-11. */
const WAIT_MAX_SECONDS = 30;

/** The warehouse as its administrator, through the Data API, which reads the password itself. */
export class AdminSession {
  readonly #client: RedshiftDataClient;
  readonly #target: { WorkgroupName: string; Database: string; SecretArn: string };
  readonly #deadline: AbortSignal;

  constructor(
    client: RedshiftDataClient,
    { workgroup, database, secret }: AdminTarget,
    deadline: AbortSignal,
  ) {
    this.#client = client;
    this.#target = { WorkgroupName: workgroup, Database: database, SecretArn: secret };
    this.#deadline = deadline;
  }

  /** @returns which of the conditions hold @throws GrantsError */
  async ask(conditions: readonly string[]): Promise<boolean[]> {
    const columns = conditions.map((condition) => `CASE WHEN ${condition} THEN 1 ELSE 0 END`);
    const command = new ExecuteStatementCommand({ ...this.#target, Sql: `SELECT ${columns.join(",\n")}` });
    const { Id } = await this.#client.send(command, { abortSignal: this.#deadline });
    await this.#finished(Id!);
    const result = new GetStatementResultCommand({ Id: Id! });
    const { Records } = await this.#client.send(result, { abortSignal: this.#deadline });
    return Records![0]!.map(({ longValue }) => longValue === 1);
  }

  /** Runs one transaction to its end. @throws GrantsError */
  async run(sqls: readonly string[]): Promise<void> {
    const command = new BatchExecuteStatementCommand({ ...this.#target, Sqls: [...sqls] });
    const { Id } = await this.#client.send(command, { abortSignal: this.#deadline });
    await this.#finished(Id!);
  }

  async #finished(id: string): Promise<void> {
    while (!this.#deadline.aborted) {
      const command = new DescribeStatementCommand({ Id: id, WaitTimeSeconds: WAIT_MAX_SECONDS });
      const { Status, Error: error } = await this.#client.send(command, { abortSignal: this.#deadline });
      if (Status === "FINISHED") return;
      if (Status === "FAILED" || Status === "ABORTED") {
        throw new GrantsError("STATEMENT", error ?? `the statement was ${Status.toLowerCase()}`);
      }
    }
    throw new GrantsError("NOT_IN_TIME", `statement ${id} did not end in time`);
  }
}
