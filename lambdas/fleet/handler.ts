import { Logger } from "@aws-lambda-powertools/logger";
import { S3Client } from "@aws-sdk/client-s3";
import { PublishCommand, SNSClient } from "@aws-sdk/client-sns";
import { NodeHttpHandler } from "@smithy/node-http-handler";
import { FleetMetrics } from "./fleet-metrics.ts";
import { FLEET_LIMITS } from "./fleet-state.ts";
import type { Message } from "./message.ts";
import { type FleetReport, run } from "./run.ts";
import { readEnvironment } from "./settings.ts";

/** A run reads for less than the minute until the next one; the rest is for what it has found. */
const READ_MS = 30_000;

const { bucket, topicArn, stack, settings } = readEnvironment(process.env);
const requestHandler = new NodeHttpHandler({ connectionTimeout: 2_000, requestTimeout: 15_000 });
const s3 = new S3Client({ requestHandler });
const sns = new SNSClient({ requestHandler });
const log = new Logger({ serviceName: "fleet" });
const metrics = new FleetMetrics(process.env["AWS_LAMBDA_FUNCTION_NAME"] ?? "fleet");

async function publish({ subject, body }: Message): Promise<void> {
  await sns.send(new PublishCommand({ TopicArn: topicArn, Subject: subject, Message: body }));
  log.info("told", { subject });
}

/** Invoked by the schedule. */
export async function handler(): Promise<Omit<FleetReport, "failure">> {
  const until = Date.now() + READ_MS;
  const { failure, ...report } = await run({
    s3,
    bucket,
    stack,
    settings,
    limits: FLEET_LIMITS,
    now: () => new Date(),
    isTimeUp: () => Date.now() >= until,
    publish,
    log,
  });
  metrics.count({ failure, ...report });
  log.info("watched", { ...report });
  if (failure) throw failure;
  return report;
}
