import { DescribeStreamSummaryCommand, type KinesisClient } from "@aws-sdk/client-kinesis";
import type { Logger } from "pino";
import { RECORD_MAX_BYTES } from "../../wire/limits.ts";
import { AgentError } from "../agent-error.ts";
import type { AgentConfig } from "../config/config.ts";
import { awsReason } from "./aws-reason.ts";
import { backOff } from "./backoff.ts";
import { callFailure } from "./call-failure.ts";
import { orAborted } from "./or-aborted.ts";
import { RECORD_OVERHEAD_BYTES } from "../config/producer-config.ts";
import type { ShardMap } from "./shard-map.ts";

/**
 * Makes sure that aggregates may be put into the stream.
 *
 * @returns whether it is active; it may still be on its way
 * @throws AgentError STREAM_NOT_FOUND, STREAM_AUTO, STREAM_RECORD_SIZE, STREAM_REFUSED, and network errors
 *   as they come
 */
export async function describeStream(
  client: KinesisClient,
  { stream, producer }: Pick<AgentConfig, "stream" | "producer">,
  log: Logger,
  signal: AbortSignal,
): Promise<boolean> {
  try {
    const command = new DescribeStreamSummaryCommand({ StreamName: stream });
    const answer = client.send(command, { abortSignal: signal });
    const { StreamDescriptionSummary: summary } = await orAborted(answer, signal);
    if (summary?.RecordDistributionStrategy === "AUTO") throw autoStream(stream);
    assertRecordSize(stream, producer.aggregate_bytes, summary?.MaxRecordSizeInKiB);
    return summary?.StreamStatus === "ACTIVE" || summary?.StreamStatus === "UPDATING";
  } catch (error) {
    if ((error as Error).name !== "AccessDeniedException") throw await startFailure(stream, client, error);
    // Not needed to put records, so a policy may leave it out.
    log.warn({ stream }, "no permission for kinesis:DescribeStreamSummary: the stream's kind is not checked");
    return true;
  }
}

/**
 * Waits until the stream answers, is active, and its shards are known.
 *
 * @param wasThere a stream that is missing now is waited for: whoever deleted it may make it again
 * @throws AgentError, AbortError
 */
export async function untilActive(
  client: KinesisClient,
  config: Pick<AgentConfig, "stream" | "producer">,
  shards: ShardMap,
  wasThere: boolean,
  log: Logger,
  signal: AbortSignal,
): Promise<void> {
  const { stream } = config;
  for (let attempt = 0; ; attempt++) {
    try {
      if (await describeStream(client, config, log, signal)) return await shards.refresh(signal);
      log.info({ stream }, "the stream is not active yet");
    } catch (error) {
      const isMissing = error instanceof AgentError && error.code === "STREAM_NOT_FOUND";
      if (error instanceof AgentError && !(isMissing && wasThere)) throw error;
      signal.throwIfAborted();
      const what = isMissing ? "the stream is missing" : "Kinesis does not answer";
      log.warn({ stream, reason: awsReason(error) }, `${what}; trying again`);
    }
    await backOff(attempt, signal);
  }
}

/** @param limitKib left out by servers that do not know other limits than the usual one */
function assertRecordSize(stream: string, aggregateBytes: number, limitKib: number | undefined): void {
  const limitBytes = limitKib === undefined ? RECORD_MAX_BYTES : limitKib * 1_024;
  if (aggregateBytes + RECORD_OVERHEAD_BYTES <= limitBytes) return;
  const message = `records of ${limitBytes} bytes at most cannot hold producer.aggregate_bytes = ${aggregateBytes}`;
  const hint = `Set it to ${limitBytes - RECORD_OVERHEAD_BYTES} or less, or raise the stream's limit (UpdateMaxRecordSize).`;
  throw new AgentError("STREAM_RECORD_SIZE", stream, message, hint);
}

function autoStream(stream: string): AgentError {
  return new AgentError(
    "STREAM_AUTO",
    stream,
    "the stream distributes records itself (AUTO): consumers drop aggregated records of such streams silently",
    "Use a stream with the record distribution strategy USER_PARTITION_KEY.",
  );
}

async function startFailure(stream: string, client: KinesisClient, error: unknown): Promise<unknown> {
  const { name } = error as Error;
  if (name === "ResourceNotFoundException") {
    const hint = "Check the stream's name, the region and the account of the credentials.";
    return new AgentError(
      "STREAM_NOT_FOUND",
      stream,
      `there is no such stream in ${await client.config.region()}`,
      hint,
      {
        cause: error,
      },
    );
  }
  return callFailure(stream, error);
}
