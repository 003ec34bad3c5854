import * as z from "zod";
import { DATA_API_BATCH_MAX_STATEMENTS, DATA_API_SQL_MAX_BYTES } from "../../wire/limits.ts";
import { ApiError } from "./api-error.ts";

/** source: Redshift Data API reference, constraints of each field, read 2026-11 */
const target = {
  ClusterIdentifier: z.string().min(1).max(63).optional(),
  WorkgroupName: z.string().min(3).max(128).optional(),
  Database: z.string().min(1).max(127).optional(),
  DbUser: z.string().min(1).max(127).optional(),
  SecretArn: z.string().min(1).max(2_048).optional(),
};

const waiting = { WaitTimeSeconds: z.int().min(0).max(30).optional() };

const parameters = z
  .array(z.object({ name: z.string().regex(/^[0-9a-zA-Z_]+$/), value: z.string().min(1) }))
  .min(1)
  .optional();

const submission = {
  ...target,
  ...waiting,
  ClientToken: z.string().min(1).max(64).optional(),
  StatementName: z.string().max(500).optional(),
  WithEvent: z.boolean().optional(),
  Parameters: parameters,
  /** Each call has a session of its own here. */
  SessionId: z.never().optional(),
  SessionKeepAliveSeconds: z.never().optional(),
};

/** Of a statement, or of one in a batch. */
const id = z.string().regex(/^[a-z0-9]{8}(-[a-z0-9]{4}){3}-[a-z0-9]{12}(:\d+)?$/);

const withinSqlLimit = (sqls: readonly string[]): boolean =>
  sqls.reduce((sum, sql) => sum + Buffer.byteLength(sql), 0) <= DATA_API_SQL_MAX_BYTES;
const sqlLimit = `SQL has at most ${DATA_API_SQL_MAX_BYTES} bytes`;

const REQUESTS = {
  ExecuteStatement: z.object({
    ...submission,
    Sql: z
      .string()
      .min(1)
      .refine((sql) => withinSqlLimit([sql]), sqlLimit),
  }),
  BatchExecuteStatement: z.object({
    ...submission,
    Sqls: z
      .array(z.string())
      .min(1)
      .max(DATA_API_BATCH_MAX_STATEMENTS, {
        error: ({ input }) =>
          `${(input as unknown[]).length} statements, at most ${DATA_API_BATCH_MAX_STATEMENTS}`,
      })
      .refine(withinSqlLimit, sqlLimit),
    ExecutionMode: z.enum(["TRANSACTION", "AUTO_COMMIT"]).optional(),
  }),
  DescribeStatement: z.object({ ...waiting, Id: id }),
  GetStatementResult: z.object({ ...waiting, Id: id, NextToken: z.string().optional() }),
  CancelStatement: z.object({ Id: id }),
  ListStatements: z.object({
    Status: z.string().optional(),
    StatementName: z.string().max(500).optional(),
    MaxResults: z.int().min(0).max(100).optional(),
  }),
} as const;

export type Operation = keyof typeof REQUESTS;
export type Request<O extends Operation> = z.output<(typeof REQUESTS)[O]>;
export type Submission = Omit<Request<"ExecuteStatement">, "Sql">;

/** @throws ApiError ValidationException in the words of the service's own checks, naming the field */
export function parseRequest<O extends Operation>(operation: O, input: unknown): Request<O> {
  const parsed = REQUESTS[operation].safeParse(input);
  if (parsed.success) return parsed.data as Request<O>;
  const found = parsed.error.issues.map(
    ({ path, message }) => `Value at '${path.join(".")}' failed to satisfy constraint: ${message}`,
  );
  const count = `${found.length} validation error${found.length === 1 ? "" : "s"} detected`;
  throw new ApiError("ValidationException", `${count}: ${found.join("; ")}`);
}
