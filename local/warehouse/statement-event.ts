import { randomUUID } from "node:crypto";
import { RESULT_LIFETIME_MS, type Statement } from "./statement.ts";

/** What EventBridge delivers. Redshift Management Guide, "Monitoring events for the Data API", read 2026-11. */
export interface StatementEvent {
  readonly version: "0";
  readonly id: string;
  readonly "detail-type": "Redshift Data Statement Status Change";
  readonly source: "aws.redshift-data";
  readonly account: string;
  readonly time: string;
  readonly region: string;
  readonly resources: readonly string[];
  readonly detail: {
    readonly principal: string;
    readonly statementName: string;
    readonly statementId: string;
    readonly redshiftQueryId: number;
    readonly state: string;
    readonly rows: number;
    readonly expireAt: number;
  };
}

export function statementEvent(statement: Statement): StatementEvent {
  const { id, options, status, updatedAt, subs } = statement;
  const account = "000000000000";
  return {
    version: "0",
    id: randomUUID(),
    "detail-type": "Redshift Data Statement Status Change",
    source: "aws.redshift-data",
    account,
    time: updatedAt.toISOString(),
    region: process.env["AWS_REGION"] ?? "us-east-1",
    resources: [],
    detail: {
      principal: `arn:aws:sts::${account}:assumed-role/local`,
      statementName: options.name ?? "",
      statementId: id,
      redshiftQueryId: -1,
      state: status,
      rows: subs.at(-1)!.resultRows,
      expireAt: Math.floor((updatedAt.getTime() + RESULT_LIFETIME_MS) / 1_000),
    },
  };
}
