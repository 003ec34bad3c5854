import type { IncomingMessage, ServerResponse } from "node:http";
import type { HashKeyRange } from "../../wire/hash-key.ts";
import { owns } from "../../wire/hash-key.ts";
import { PUT_RECORDS_MAX_BYTES, PUT_RECORDS_MAX_RECORDS, RECORD_MAX_BYTES } from "../../wire/limits.ts";
import { answerInKind, readRequest } from "./kinesis-message.ts";
import { JsonServer, operationOf, type PutRecordsRequest, sizeOf } from "./json-server.ts";

/** What goes wrong with a PutRecords request. */
export type Fault =
  | "none"
  | "throttle-some" //      every other entry is not taken
  | "server-error" //       nothing is taken, answer 500
  | "reset-before" //       the connection breaks, nothing is taken
  | "reset-after" //        everything is taken, and the connection breaks before the answer
  | "short-answer" //       the answer misses an entry
  | "refuse"; //            ValidationException

/** As readers of the stream get it. */
export interface StoredRecord {
  readonly shardId: string;
  readonly partitionKey: string;
  readonly data: Buffer;
}

interface FaultShard {
  readonly id: string;
  readonly range: HashKeyRange;
}

const KEYS = 2n ** 128n;

/** A stream that enforces the service's limits and fails as it is told to. */
export class FaultKinesis implements AsyncDisposable {
  readonly records: (StoredRecord & { readonly explicitHashKey: string })[] = [];
  /** Sizes of the PutRecords requests that came, in records. */
  readonly requests: number[] = [];
  /** Limits that were broken: none, or the producer is wrong. */
  readonly violations: string[] = [];
  /** Of the nth PutRecords request. */
  fault: (n: number) => Fault = () => "none";
  distribution: "AUTO" | undefined;
  recordLimitKib: number | undefined;
  /** The stream is deleted. */
  isMissing = false;
  /** Operations that the policy does not allow. */
  readonly denied = new Set<string>();
  /** Access keys by which requests were signed. */
  readonly signers = new Set<string>();
  /** Access keys that are not valid any more. */
  readonly expired = new Set<string>();
  /** How far the service's clock is from ours. */
  clockAheadMs = 0;
  /** Requests are held back while it is set. */
  hold: Promise<void> | undefined;
  /** The same for requests of any kind. */
  holdAll: Promise<void> | undefined;
  listed = 0;
  #shards: FaultShard[];
  #nextId = 0;
  #server: JsonServer | undefined;

  static async start(shards = 2): Promise<FaultKinesis> {
    const kinesis = new FaultKinesis(shards);
    kinesis.#server = await JsonServer.start((request, response) => kinesis.#answer(request, response));
    return kinesis;
  }

  private constructor(shards: number) {
    this.#shards = split(shards, 0);
  }

  get endpoint(): string {
    return this.#server!.endpoint;
  }

  /** The stream has other shards from now on. */
  reshard(shards: number): void {
    // No id is ever used again.
    this.#nextId += 100;
    this.#shards = split(shards, this.#nextId);
  }

  owner(explicitHashKey: string): string {
    return this.#shards.find(({ range }) => owns(range, explicitHashKey))!.id;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server?.[Symbol.asyncDispose]();
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = JSON.parse(await readRequest(request)) as { StreamName?: string };
    await this.holdAll;
    const signer = signerOf(request);
    this.signers.add(signer);
    const operation = operationOf(request);
    response.setHeader("date", new Date(Date.now() + this.clockAheadMs).toUTCString());
    if (this.expired.has(signer)) {
      answerInKind(response, 400, {
        __type: "ExpiredTokenException",
        message: "the security token is expired",
      });
    } else if (this.denied.has(operation)) {
      answerInKind(response, 400, {
        __type: "AccessDeniedException",
        message: `not allowed: kinesis:${operation}`,
      });
    } else if (this.isMissing || (body.StreamName !== undefined && body.StreamName !== "test")) {
      answerInKind(response, 400, { __type: "ResourceNotFoundException", message: "no such stream" });
    } else if (operation === "PutRecords" && isOutOfRange(body as unknown as PutRecordsRequest)) {
      answerInKind(response, 400, {
        __type: "InvalidArgumentException",
        message: "Invalid ExplicitHashKey.",
      });
    } else if (operation === "PutRecords") {
      await this.#put(body as unknown as PutRecordsRequest, response);
    } else if (operation === "ListShards") {
      this.listed++;
      answerInKind(response, 200, { Shards: this.#shards.map(shardAnswer) });
    } else {
      answerInKind(response, 200, { StreamDescriptionSummary: this.#summary() });
    }
  }

  #summary(): object {
    return {
      StreamName: "test",
      StreamStatus: "ACTIVE",
      RecordDistributionStrategy: this.distribution,
      MaxRecordSizeInKiB: this.recordLimitKib,
    };
  }

  async #put({ Records }: PutRecordsRequest, response: ServerResponse): Promise<void> {
    const fault = this.fault(this.requests.push(Records.length) - 1);
    await this.hold;
    this.#assertLimits(Records);
    if (fault === "server-error") answerInKind(response, 500, { __type: "InternalFailure" });
    else if (fault === "refuse")
      answerInKind(response, 400, { __type: "ValidationException", message: "no" });
    else if (fault === "reset-before") response.destroy();
    else {
      const results = Records.map((record, i) =>
        fault === "throttle-some" && i % 2 === 0
          ? { ErrorCode: "ProvisionedThroughputExceededException", ErrorMessage: "slow down" }
          : this.#store(record),
      );
      if (fault === "reset-after") response.destroy();
      else answerInKind(response, 200, { Records: fault === "short-answer" ? results.slice(1) : results });
    }
  }

  #store({ Data, PartitionKey, ExplicitHashKey }: PutRecordsRequest["Records"][number]): object {
    const shardId = this.owner(ExplicitHashKey);
    const data = Buffer.from(Data, "base64");
    this.records.push({ shardId, partitionKey: PartitionKey, explicitHashKey: ExplicitHashKey, data });
    return { ShardId: shardId, SequenceNumber: `${this.records.length}` };
  }

  #assertLimits(records: PutRecordsRequest["Records"]): void {
    const sizes = records.map(sizeOf);
    const total = sizes.reduce((sum, size) => sum + size, 0);
    if (records.length > PUT_RECORDS_MAX_RECORDS) this.violations.push(`${records.length} records`);
    if (total > PUT_RECORDS_MAX_BYTES) this.violations.push(`a request of ${total} bytes`);
    for (const size of sizes) if (size > RECORD_MAX_BYTES) this.violations.push(`a record of ${size} bytes`);
  }
}

/** The access key id, of `AWS4-HMAC-SHA256 Credential=<id>/<date>/...`. */
export function signerOf({ headers }: IncomingMessage): string {
  return /Credential=([^/]*)/.exec(headers.authorization ?? "")?.[1] ?? "";
}

function isOutOfRange({ Records }: PutRecordsRequest): boolean {
  return Records.some(({ ExplicitHashKey }) => BigInt(ExplicitHashKey) >= KEYS);
}

function split(shards: number, firstId: number): FaultShard[] {
  const keys = KEYS / BigInt(shards);
  return Array.from({ length: shards }, (_, i) => {
    const end = i + 1 === shards ? KEYS : keys * BigInt(i + 1);
    return {
      id: `shardId-${`${firstId + i}`.padStart(12, "0")}`,
      range: { startingHashKey: `${keys * BigInt(i)}`, endingHashKey: `${end - 1n}` },
    };
  });
}

function shardAnswer({ id, range }: FaultShard): object {
  return {
    ShardId: id,
    HashKeyRange: { StartingHashKey: range.startingHashKey, EndingHashKey: range.endingHashKey },
    SequenceNumberRange: { StartingSequenceNumber: "1" },
  };
}
