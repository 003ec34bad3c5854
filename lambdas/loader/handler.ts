import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Logger } from "@aws-lambda-powertools/logger";
import { RedshiftDataClient } from "@aws-sdk/client-redshift-data";
import { S3Client } from "@aws-sdk/client-s3";
import { parseConfig } from "../../wire/config.ts";
import { MAIN_WAREHOUSE } from "../../wire/warehouses.ts";
import type { LoaderAnswer } from "../../wire/loader-command.ts";
import { CommitLog } from "../commit-log/commit-log.ts";
import { answer, isCommand } from "./commands/answer.ts";
import { DataApi } from "./data-api.ts";
import { knownTypes } from "./held/known-types.ts";
import { Lake } from "./lake.ts";
import { LoaderError } from "./loader-error.ts";
import { LoaderMetrics } from "./loader-metrics.ts";
import { beginAnewOnConflict } from "./state-conflict.ts";
import { savedState } from "./state.ts";
import { targetsOf } from "./target.ts";
import { tick, tickLimits, type TickReport } from "./tick.ts";

const bucket = environment("WEIR_LAKE_BUCKET");
const storage = { bucket, copyRoleArn: environment("WEIR_COPY_ROLE_ARN") };
const cluster = process.env["WEIR_CLUSTER"];
const database = {
  database: environment("WEIR_DATABASE"),
  ...(cluster === undefined
    ? { workgroup: environment("WEIR_WORKGROUP") }
    : { cluster, dbUser: process.env["WEIR_DB_USER"] }),
};

const warehouse = process.env["WEIR_WAREHOUSE"] ?? MAIN_WAREHOUSE;
const configFile = join(import.meta.dirname, "config.json");
const config = parseConfig(JSON.parse(readFileSync(configFile, "utf8")), configFile);
const targets = targetsOf(config, warehouse);
const known = knownTypes(config);
const limits = tickLimits(Number(process.env["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"] ?? 512));
const s3 = new S3Client({});
const lake = new Lake(s3, bucket);
const commitLog = new CommitLog(s3, bucket);
const api = new DataApi(new RedshiftDataClient({}), database);
const log = new Logger({ serviceName: "loader" });
const metrics = new LoaderMetrics(process.env["AWS_LAMBDA_FUNCTION_NAME"] ?? "loader", {
  tables: targets.map(({ name }) => name),
  baseCapacityRpu: Number(process.env["WEIR_BASE_CAPACITY_RPU"] ?? 0),
});

/** The part of Lambda's context that is used. */
interface InvocationContext {
  readonly getRemainingTimeInMillis?: () => number;
}

/** Invoked by the schedule, by EventBridge when a statement of the Data API has ended, and by operators. */
export async function handler(
  event: unknown,
  context?: InvocationContext,
): Promise<TickReport | LoaderAnswer> {
  const saved = savedState(s3, bucket, warehouse);
  const { loadTimeoutMinutes } = config.loader;
  const until = endOfReading(context);
  const parts = {
    targets,
    warehouse,
    known,
    limits,
    ...(until && { until }),
    loadTimeoutMinutes,
    saved,
    commitLog,
    lake,
    api,
    storage,
    now: () => new Date(),
    log,
  };
  if (isCommand(event)) return answer(event, parts);
  const report = await beginAnewOnConflict(() => tick(parts, !isStatementEnd(event)));
  metrics.count(report);
  return report;
}

/** Reading ends when so much of the time is over: plans are then written, and submitted. */
const READING_SHARE = 0.6;

function endOfReading(context: InvocationContext | undefined): Date | undefined {
  const left = context?.getRemainingTimeInMillis?.();
  return left === undefined ? undefined : new Date(Date.now() + left * READING_SHARE);
}

function isStatementEnd(event: unknown): boolean {
  return (event as { source?: string } | null)?.source === "aws.redshift-data";
}

function environment(name: string): string {
  const value = process.env[name] ?? "";
  if (value === "") throw new LoaderError("NO_ENVIRONMENT", `${name} is not set`);
  return value;
}
