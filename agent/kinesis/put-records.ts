import type { PutRecordsResultEntry } from "@aws-sdk/client-kinesis";
import { AgentError } from "../agent-error.ts";
import { orAborted } from "./or-aborted.ts";
import type { InFlightRecord } from "./outbox.ts";
import { CborBody } from "./cbor-body.ts";
import type { AgentClient } from "./kinesis-client.ts";
import { type RequestBody, JsonBody } from "./request-body.ts";

export interface PutResult {
  readonly put: readonly { readonly entry: InFlightRecord; readonly shardId: string }[];
  /** Entries that Kinesis did not take, with its reason for the first of them. */
  readonly retry: readonly { readonly entry: InFlightRecord; readonly isThrottled: boolean }[];
  readonly reason: string | undefined;
}

/** PutRecords requests to one stream, their bodies used again and again. */
export class PutRecords {
  readonly #client: Pick<AgentClient, "putRecords">;
  readonly #stream: string;
  readonly #wire: "json" | "cbor";
  readonly #idleBodies: RequestBody[] = [];

  constructor(client: Pick<AgentClient, "putRecords">, stream: string, wire: "json" | "cbor") {
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
    const answer = this.#client.putRecords(body.contentType, body.write(this.#stream, records), signal);
    const results = entriesOf(await orAborted(answer, signal));
    // After a failure the connection may not be done with the body yet: that one is not used again.
    this.#idleBodies.push(body);
    if (results.length !== records.length) {
      const message = `PutRecords answered for ${results.length} of ${records.length} records`;
      throw new AgentError("RESULT_COUNT", this.#stream, message, "Is the endpoint really Kinesis?");
    }
    return sort(entries, results);
  }
}

/** Any endpoint may answer anything. */
function entriesOf(answer: unknown): readonly PutRecordsResultEntry[] {
  const { Records } = Object(answer) as { readonly Records?: unknown };
  return Array.isArray(Records) ? Records.map((entry) => Object(entry) as PutRecordsResultEntry) : [];
}

type Nullable<T> = { readonly [Name in keyof T]: T[Name] | null };

function sort(entries: readonly InFlightRecord[], results: readonly PutRecordsResultEntry[]): PutResult {
  const put = [];
  const retry = [];
  let reason: string | undefined;
  for (const [i, entry] of entries.entries()) {
    // Services beside AWS's own write null for what is not there.
    const { ShardId: shardId, ErrorCode, ErrorMessage } = results[i]! as Nullable<PutRecordsResultEntry>;
    if (!ErrorCode && typeof shardId === "string") put.push({ entry, shardId });
    else {
      retry.push({ entry, isThrottled: ErrorCode === "ProvisionedThroughputExceededException" });
      reason ??= `${ErrorCode ?? "no shard id"}: ${ErrorMessage ?? ""}`;
    }
  }
  return { put, retry, reason };
}
