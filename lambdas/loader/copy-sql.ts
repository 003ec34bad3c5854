import { named } from "./load-statement.ts";
import { quoteText } from "./target.ts";

export interface Storage {
  readonly bucket: string;
  readonly copyRoleArn: string;
}

/** MAXERROR 0: a row that does not fit fails the load, and none goes missing. */
export function copySql(
  into: string,
  key: string,
  options: string,
  { bucket, copyRoleArn }: Storage,
  maxErrors = 0,
): string {
  return `COPY ${into} FROM ${quoteText(`s3://${bucket}/${key}`)} IAM_ROLE ${quoteText(copyRoleArn)}
JSON 'auto' ${options} TIMEFORMAT 'auto' COMPUPDATE OFF STATUPDATE OFF MAXERROR ${maxErrors}`;
}

/** Asserts what the COPY before it has loaded. */
export const countSql = (rows: number): string =>
  named("count", `SELECT 1 / CASE WHEN pg_last_copy_count() = ${rows} THEN 1 ELSE 0 END`);
