import { Logger } from "@aws-lambda-powertools/logger";
import { S3Client } from "@aws-sdk/client-s3";
import { NodeHttpHandler } from "@smithy/node-http-handler";
import { LogHeads } from "./log-heads.ts";
import { run, type RunReport } from "./run.ts";
import { SequencerError } from "./sequencer-error.ts";
import { SequencerMetrics } from "./sequencer-metrics.ts";
import { SEQUENCER_LIMITS } from "./sequencer-parts.ts";

/**
 * A run takes on new work for less than the minute until the next one. Two at once do no harm, but read the
 * same commits. The rest of the function's time is for what was begun.
 */
const SEQUENCE_MS = 40_000;
const SWEEP_MS = 50_000;

const bucket = process.env["WEIR_LAKE_BUCKET"] ?? "";
if (bucket === "") {
  const hint = "set it to the name of the lake's bucket";
  throw new SequencerError("NO_BUCKET", "WEIR_LAKE_BUCKET is not set", hint);
}

const s3 = new S3Client({
  requestHandler: new NodeHttpHandler({ connectionTimeout: 2_000, requestTimeout: 15_000 }),
});
const heads = new LogHeads(s3, bucket);
const log = new Logger({ serviceName: "sequencer" });
const metrics = new SequencerMetrics(process.env["AWS_LAMBDA_FUNCTION_NAME"] ?? "sequencer");

/** Invoked by the schedule, and by whoever wants commits in the log now. */
export async function handler(): Promise<Omit<RunReport, "failures">> {
  const startedAt = Date.now();
  const { failures, ...report } = await run({
    s3,
    bucket,
    heads,
    limits: SEQUENCER_LIMITS,
    now: () => new Date(),
    until: new Date(startedAt + SEQUENCE_MS),
    sweepUntil: new Date(startedAt + SWEEP_MS),
    log,
  });
  metrics.count({ failures, ...report });
  log.info("sequenced", { ...report });
  const [failure] = failures;
  if (failure) throw failure;
  return report;
}
