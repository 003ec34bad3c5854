import { type KinesisClient, PutRecordsCommand, type PutRecordsResultEntry } from "@aws-sdk/client-kinesis";
import { AgentError } from "../agent-error.ts";
import { orAborted } from "./or-aborted.ts";
import type { InFlightRecord } from "./outbox.ts";
import { CborBody, cborAsJson } from "./cbor-body.ts";
import { type RequestBody, JsonBody } from "./request-body.ts";

export interface PutResult {
  readonly put: readonly { readonly entry: InFlightRecord; readonly shardId: string }[];
  /** Entries that Kinesis did not take, with its reason for the first of them. */
  readonly retry: readonly { readonly entry: InFlightRecord; readonly isThrottled: boolean }[];
  readonly reason: string | undefined;
}

/** PutRecords requests to one stream, their bodies used again and again. */
export class PutRecords {
  readonly #client: KinesisClient;
  readonly #stream: string;
  readonly #wire: "json" | "cbor";
  readonly #idleBodies: RequestBody[] = [];

  constructor(client: KinesisClient, stream: string, wire: "json" | "cbor") {
    this.#client = client;
    this.#stream = stream;
    this.#wire = wire;
  }

  /**
   * One call. Kinesis answers 200 even when it took only some of the entries, which the SDK's own
   * retries never see.
   *
   * @throws AgentError RESULT_COUNT, and whatever the call as a whole failed with
   */
  async send(entries: readonly InFlightRecord[], signal: AbortSignal): Promise<PutResult> {
    const body = this.#idleBodies.pop() ?? (this.#wire === "cbor" ? new CborBody() : new JsonBody());
    const records = entries.map(({ record }) => record);
    const command = commandWithBody(this.#stream, body.write(this.#stream, records), body.contentType);
    if (this.#wire === "cbor") readAnswerAsJson(command);
    const answer = this.#client.send(command, { abortSignal: signal });
    const { Records: results = [] } = await orAborted(answer, signal);
    // After a failure the connection may not be done with the body yet: that one is not used again.
    this.#idleBodies.push(body);
    if (results.length !== records.length) {
      const message = `PutRecords answered for ${results.length} of ${records.length} records`;
      throw new AgentError("RESULT_COUNT", this.#stream, message, "Is the endpoint really Kinesis?");
    }
    return sort(entries, results);
  }
}

function sort(entries: readonly InFlightRecord[], results: readonly PutRecordsResultEntry[]): PutResult {
  const put = [];
  const retry = [];
  let reason: string | undefined;
  for (const [i, entry] of entries.entries()) {
    const { ShardId: shardId, ErrorCode, ErrorMessage } = results[i]!;
    if (ErrorCode === undefined && shardId !== undefined) put.push({ entry, shardId });
    else {
      retry.push({ entry, isThrottled: ErrorCode === "ProvisionedThroughputExceededException" });
      reason ??= `${ErrorCode ?? "no shard id"}: ${ErrorMessage ?? ""}`;
    }
  }
  return { put, retry, reason };
}

/** A command whose request carries this body; the SDK signs and sends it. */
function commandWithBody(stream: string, body: Buffer, contentType: string): PutRecordsCommand {
  const command = new PutRecordsCommand({ StreamName: stream, Records: [] });
  command.middlewareStack.add(
    (next) => (args) => {
      const request = args.request as { body: unknown; headers: Record<string, string> };
      request.body = body;
      request.headers["content-length"] = `${body.length}`;
      request.headers["content-type"] = contentType;
      return next(args);
    },
    { step: "build", priority: "high", name: "readyPutRecordsBody" },
  );
  return command;
}

function readAnswerAsJson(command: PutRecordsCommand): void {
  command.middlewareStack.add(
    (next) => async (args) => {
      const result = await next(args);
      const response = result.response as { body: AsyncIterable<Uint8Array> | Buffer };
      const chunks: Uint8Array[] = [];
      for await (const chunk of response.body as AsyncIterable<Uint8Array>) chunks.push(chunk);
      response.body = cborAsJson(Buffer.concat(chunks));
      return result;
    },
    { step: "deserialize", priority: "low", name: "cborAsJson" },
  );
}
