import { DatabaseError } from "pg";

/** A query that names a table of a user's, or a system table that is kept on compute nodes. */
const ON_COMPUTE_NODES = /\b(?:FROM|JOIN|INTO|UPDATE|USING)\s+(?!\(|pg_|svv_|information_schema\.)/i;

/**
 * What Redshift says of an error that PostgreSQL had, as the text of a statement's Error. A division by zero is told in
 * one way by its leader node, which is a PostgreSQL, and in another by compute nodes.
 *
 * source: errors that people have published in issues of awslabs/amazon-redshift-utils (#123, #174) and
 * aws-lambda-redshift-loader (#68); "Troubleshooting serializable isolation errors", Redshift, read 2026-11
 */
export function errorText(error: Error, sql: string, queryId: number): string {
  const text = error instanceof DatabaseError ? redshiftText(error, sql, queryId) : error.message;
  return text.startsWith("ERROR:") ? text : `ERROR: ${text}`;
}

function redshiftText({ code, message }: DatabaseError, sql: string, queryId: number): string {
  if (code === "22012" && ON_COMPUTE_NODES.test(sql)) return computeNodeText("Divide by zero", queryId);
  if (code === "40001")
    return `1023 DETAIL: Serializable isolation violation on table - ${queryId}, transactions forming the cycle are: ${queryId}, ${queryId + 1} (pid:${process.pid})`;
  if (code === "57014") return `Query (${queryId}) cancelled on user's request`;
  return message;
}

function computeNodeText(reason: string, queryId: number): string {
  return `${reason}
  Detail: 
  -----------------------------------------------
  error:  ${reason}
  context:   
  query:     ${queryId}
  process:   query0_0 [pid=${process.pid}]
  -----------------------------------------------`;
}
