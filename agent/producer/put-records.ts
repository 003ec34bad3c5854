import { type KinesisClient, PutRecordsCommand, type PutRecordsResultEntry } from "@aws-sdk/client-kinesis";
import { AgentError } from "../agent-error.ts";
import type { OutgoingRecord } from "./outbox.ts";
import type { RequestBody } from "./request-body.ts";

export interface PutResult {
  readonly put: readonly { readonly record: OutgoingRecord; readonly shardId: string }[];
  /** Entries that Kinesis did not take, with its reason for the first of them. */
  readonly retry: readonly OutgoingRecord[];
  readonly reason: string | undefined;
}

/**
 * One PutRecords call. Kinesis answers 200 even when it took only some of the entries, which the
 * SDK's own retries never see.
 *
 * @param body of one request at a time
 * @throws AgentError RESULT_COUNT, and whatever the call as a whole failed with
 */
export async function putRecords(
  client: KinesisClient,
  stream: string,
  records: readonly OutgoingRecord[],
  body: RequestBody,
  signal: AbortSignal,
): Promise<PutResult> {
  const command = commandWithBody(stream, body.write(stream, records));
  const { Records: results = [] } = await client.send(command, { abortSignal: signal });
  if (results.length !== records.length) {
    const message = `PutRecords answered for ${results.length} of ${records.length} records`;
    throw new AgentError("RESULT_COUNT", stream, message, "Is the endpoint really Kinesis?");
  }
  return sort(records, results);
}

function sort(records: readonly OutgoingRecord[], results: readonly PutRecordsResultEntry[]): PutResult {
  const put = [];
  const retry = [];
  let reason: string | undefined;
  for (const [i, record] of records.entries()) {
    const { ShardId: shardId, ErrorCode, ErrorMessage } = results[i]!;
    if (ErrorCode === undefined && shardId !== undefined) put.push({ record, shardId });
    else {
      retry.push(record);
      reason ??= `${ErrorCode ?? "no shard id"}: ${ErrorMessage ?? ""}`;
    }
  }
  return { put, retry, reason };
}

/** A command whose request carries this body; the SDK signs and sends it. */
function commandWithBody(stream: string, body: Buffer): PutRecordsCommand {
  const command = new PutRecordsCommand({ StreamName: stream, Records: [] });
  command.middlewareStack.add(
    (next) => (args) => {
      const request = args.request as { body: unknown; headers: Record<string, string> };
      request.body = body;
      request.headers["content-length"] = `${body.length}`;
      return next(args);
    },
    { step: "build", priority: "high", name: "readyPutRecordsBody" },
  );
  return command;
}
