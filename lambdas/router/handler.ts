import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Logger } from "@aws-lambda-powertools/logger";
import { S3Client } from "@aws-sdk/client-s3";
import { NodeHttpHandler } from "@smithy/node-http-handler";
import type { Context, KinesisStreamBatchResponse, KinesisStreamEvent } from "aws-lambda";
import { parseConfig } from "../../wire/config.ts";
import type { RouterAnswer, RouterRequest } from "../../wire/router-command.ts";
import { answerCommand } from "./reparse/answer-command.ts";
import { RouterError } from "./router-error.ts";
import { RouterMetrics } from "./router-metrics.ts";
import { Router, type RoutedBatch } from "./router.ts";
import { streamRecords } from "./stream-record.ts";
import { writeBatch } from "./write-batch.ts";

/** Sources that a log line names: its size is not for producers to decide. */
const LOGGED_EXAMPLES = 5;

/** Left of the invocation's time to log, to count and to answer once writing is given up. */
const ANSWER_MS = 2_000;

const bucket = process.env["WEIR_LAKE_BUCKET"] ?? "";
if (bucket === "") {
  const hint = "set it to the name of the lake's bucket";
  throw new RouterError("NO_BUCKET", "WEIR_LAKE_BUCKET is not set", hint);
}

const configFile = join(import.meta.dirname, "config.json");
const config = parseConfig(JSON.parse(readFileSync(configFile, "utf8")), configFile);
const router = new Router(config);
const s3 = new S3Client({
  requestHandler: new NodeHttpHandler({ connectionTimeout: 2_000, requestTimeout: 15_000 }),
});
const logger = new Logger({ serviceName: "router" });
const metrics = new RouterMetrics(process.env["AWS_LAMBDA_FUNCTION_NAME"] ?? "router");

type Remaining = Pick<Context, "getRemainingTimeInMillis">;

/** Deals with a batch of the stream, or with what an operator asks of it. */
export async function handler(
  event: KinesisStreamEvent,
  context: Remaining,
): Promise<KinesisStreamBatchResponse>;
export async function handler(event: RouterRequest, context: Remaining): Promise<RouterAnswer>;
export async function handler(
  event: KinesisStreamEvent | RouterRequest,
  context: Remaining,
): Promise<KinesisStreamBatchResponse | RouterAnswer> {
  const remainingMs = (): number => Math.max(0, context.getRemainingTimeInMillis() - ANSWER_MS);
  if ("command" in event) return answerCommand(event, { config, s3, bucket, logger, remainingMs });
  return routeBatch(event, AbortSignal.timeout(remainingMs()));
}

/**
 * Files a batch of Kinesis records in the lake. Bad data never fails it; what the lake could not take now
 * comes again from the first record, and what memory could not hold from the first record not taken.
 */
async function routeBatch(
  event: KinesisStreamEvent,
  deadline: AbortSignal,
): Promise<KinesisStreamBatchResponse> {
  const records = streamRecords(event);
  if (records.length === 0) return comesAgain(undefined);
  const routed = router.route(records);
  const written = await writeBatch(s3, bucket, routed, new Date(), deadline);
  if ("retry" in written) {
    logger.error("the batch comes again", written.retry);
    return comesAgain(routed.id.firstSequenceNumber);
  }
  log(routed, written.committed);
  metrics.count(routed);
  return comesAgain(routed.next);
}

/** Everything from this record on. @param sequenceNumber undefined when all is done */
function comesAgain(sequenceNumber: string | undefined): KinesisStreamBatchResponse {
  return { batchItemFailures: sequenceNumber === undefined ? [] : [{ itemIdentifier: sequenceNumber }] };
}

function log({ commit, quarantined, contested, next }: RoutedBatch, committed: string): void {
  for (const reason of quarantined) logger.warn("quarantined records", { ...reason });
  if (contested.length > 0) {
    const first = contested.slice(0, LOGGED_EXAMPLES);
    logger.warn("sources that more than one host claims", { count: contested.length, first });
  }
  const conflicting = commit.sources.filter(({ conflicts }) => conflicts > 0);
  if (conflicting.length > 0) {
    const first = conflicting
      .slice(0, LOGGED_EXAMPLES)
      .map(({ id, host, conflicts }) => ({ id, host, conflicts }));
    logger.warn("sources with lines that claim the same bytes", { count: conflicting.length, first });
  }
  const { records, userRecords, bytes, types } = commit;
  logger.info("committed", { key: committed, records, userRecords, bytes, types, next });
}
