import { type KinesisClient, ListShardsCommand, PutRecordsCommand } from "@aws-sdk/client-kinesis";
import type { Logger } from "pino";
import { AggregateBuilder } from "../../../wire/aggregate.ts";
import { AgentError } from "../../agent-error.ts";
import type { AgentConfig } from "../../config/config.ts";
import { awsReason } from "../../kinesis/aws-reason.ts";
import { kinesisClient } from "../../kinesis/kinesis-client.ts";
import { regionOf } from "../../kinesis/region.ts";
import { describeStream } from "../../kinesis/stream.ts";
import { fine, type Finding, problem } from "./finding.ts";

/**
 * One more than the last hash key there is, so that nothing is put. AWS authorizes a request before it
 * works on it: who may not put records hears of that, and not of the key.
 *
 * source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html,
 * read 2026-11; seen of stand-ins only
 */
const HASH_KEY_OF_NO_SHARD = `${2n ** 128n}`;

/** AWS refuses requests that were signed by a clock that is further off. */
const SKEW_MAX_MS = 300_000;

/** Whether lines would arrive: the stream, its shards, the permission to put, and the clock. */
export async function checkStream(config: AgentConfig, log: Logger, signal: AbortSignal): Promise<Finding[]> {
  const client = kinesisClient(config);
  const clock = watchClock(client);
  try {
    await regionOf(client);
    const isActive = await describeStream(client, config, log, signal);
    if (!isActive) return [problem(`stream: ${config.stream} is not active yet`), ...clock()];
    return [
      await checkShards(client, config.stream, signal),
      await checkPut(client, config.stream, signal),
      ...clock(),
    ];
  } catch (error) {
    return [problem(explained(error)), ...clock()];
  } finally {
    client.destroy();
  }
}

function explained(error: unknown): string {
  if (!(error instanceof AgentError)) return `stream: ${awsReason(error, "DescribeStreamSummary")}`;
  const about = error.code === "REGION" ? "" : "stream: ";
  return `${about}${error.message}. ${error.hint}`;
}

async function checkShards(client: KinesisClient, stream: string, signal: AbortSignal): Promise<Finding> {
  try {
    await client.send(new ListShardsCommand({ StreamName: stream, MaxResults: 1 }), { abortSignal: signal });
    return fine(`stream: ${stream} is active, and its shards can be listed`);
  } catch (error) {
    return problem(`stream: ListShards: ${awsReason(error, "ListShards")}`);
  }
}

async function checkPut(client: KinesisClient, stream: string, signal: AbortSignal): Promise<Finding> {
  const entry = {
    // Holds no user record: were it taken after all, nobody would see a line of it.
    Data: new AggregateBuilder(1_024).finish("0"),
    PartitionKey: "check",
    ExplicitHashKey: HASH_KEY_OF_NO_SHARD,
  };
  try {
    await client.send(new PutRecordsCommand({ StreamName: stream, Records: [entry] }), {
      abortSignal: signal,
    });
  } catch (error) {
    const { name } = error as Error;
    const isAllowed = name === "InvalidArgumentException" || name === "ValidationException";
    if (!isAllowed) return problem(`stream: PutRecords: ${awsReason(error, "PutRecords")}`);
  }
  return fine("stream: PutRecords is not denied");
}

/** Compares our clock with the date of every answer. @returns what came of it */
function watchClock(client: KinesisClient): () => Finding[] {
  let aheadMs: number | undefined;
  client.middlewareStack.add(
    (next) => async (args) => {
      const result = await next(args);
      const { headers = {} } = result.response as { headers?: Record<string, string> };
      const serviceMs = Date.parse(headers["date"] ?? "");
      if (!Number.isNaN(serviceMs)) aheadMs = Date.now() - serviceMs;
      return result;
    },
    { step: "deserialize", priority: "low", name: "watchClock" },
  );
  return () => {
    if (aheadMs === undefined) return [];
    const seconds = Math.round(Math.abs(aheadMs) / 1_000);
    const text = `clock: ${seconds} s ${aheadMs < 0 ? "behind" : "ahead of"} the service's`;
    return [Math.abs(aheadMs) > SKEW_MAX_MS ? problem(`${text}: AWS refuses what it signs`) : fine(text)];
  };
}
