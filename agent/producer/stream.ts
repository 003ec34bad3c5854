import { DescribeStreamSummaryCommand, type KinesisClient } from "@aws-sdk/client-kinesis";
import type { Logger } from "pino";
import { AgentError, systemReason } from "../agent-error.ts";
import { backOff } from "./backoff.ts";
import { callFailure } from "./call-failure.ts";
import type { ShardMap } from "./shard-map.ts";

/**
 * Makes sure that aggregates may be put into the stream.
 *
 * @returns whether it is active; it may still be on its way
 * @throws AgentError STREAM_NOT_FOUND, STREAM_AUTO, STREAM_REFUSED, and network errors as they come
 */
export async function describeStream(
  client: KinesisClient,
  stream: string,
  log: Logger,
  signal: AbortSignal,
): Promise<boolean> {
  try {
    const command = new DescribeStreamSummaryCommand({ StreamName: stream });
    const { StreamDescriptionSummary: summary } = await client.send(command, { abortSignal: signal });
    if (summary?.RecordDistributionStrategy === "AUTO") throw autoStream(stream);
    return summary?.StreamStatus === "ACTIVE" || summary?.StreamStatus === "UPDATING";
  } catch (error) {
    if ((error as Error).name !== "AccessDeniedException") throw startFailure(stream, error);
    // Not needed to put records, so a policy may leave it out.
    log.warn({ stream }, "no permission for kinesis:DescribeStreamSummary: the stream's kind is not checked");
    return true;
  }
}

/** Waits until the stream answers, is active, and its shards are known. @throws AgentError, AbortError */
export async function untilActive(
  client: KinesisClient,
  stream: string,
  shards: ShardMap,
  log: Logger,
  signal: AbortSignal,
): Promise<void> {
  for (let attempt = 0; ; attempt++) {
    try {
      if (await describeStream(client, stream, log, signal)) return await shards.refresh(signal);
      log.info({ stream }, "the stream is not active yet");
    } catch (error) {
      if (error instanceof AgentError) throw error;
      signal.throwIfAborted();
      log.warn({ stream, reason: systemReason(error) }, "Kinesis does not answer; trying again");
    }
    await backOff(attempt, signal);
  }
}

function autoStream(stream: string): AgentError {
  return new AgentError(
    "STREAM_AUTO",
    stream,
    "the stream distributes records itself (AUTO): consumers drop aggregated records of such streams silently",
    "Use a stream with the record distribution strategy USER_PARTITION_KEY.",
  );
}

function startFailure(stream: string, error: unknown): unknown {
  const { name } = error as Error;
  if (name === "ResourceNotFoundException") {
    const hint = "Check the stream's name, the region and the account of the credentials.";
    return new AgentError("STREAM_NOT_FOUND", stream, "there is no such stream", hint, { cause: error });
  }
  return callFailure(stream, error);
}
