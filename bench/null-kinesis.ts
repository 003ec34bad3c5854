import { cbor } from "@smithy/core/cbor";
import { readFileSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { createServer as createTlsServer } from "node:https";
import { createInterface } from "node:readline";
import { owns } from "../wire/hash-key.ts";
import { ArrivedLines } from "./arrived-lines.ts";
import { isCbor, putRecords } from "./put-records-body.ts";

/**
 * A Kinesis that takes everything and keeps nothing, for measuring producers: what a request costs
 * here is little, and is spent in this process. Prints its port, its counts at each line of stdin, and
 * ends with stdin.
 *
 *     node null-kinesis.ts [<key> <certificate>]
 */
const SHARDS = 4;
const SHARD_KEYS = 2n ** 128n / BigInt(SHARDS);

export interface SinkCounts {
  readonly requests: number;
  readonly records: number;
  /** Length of the request bodies, base64 included. */
  readonly bytes: number;
  readonly lines: number;
  /** Length of the lines as they were put, line feeds included. */
  readonly lineBytes: number;
}

const counts = { requests: 0, records: 0, bytes: 0 };
const arrived = new ArrivedLines();

const shards = Array.from({ length: SHARDS }, (_, i) => ({
  shardId: `shardId-${`${i}`.padStart(12, "0")}`,
  startingHashKey: `${SHARD_KEYS * BigInt(i)}`,
  endingHashKey: `${SHARD_KEYS * BigInt(i + 1) - 1n}`,
}));

const answers: Record<string, (body: Buffer) => object> = {
  DescribeStreamSummary: () => ({
    StreamDescriptionSummary: {
      StreamName: "null",
      StreamARN: "arn:aws:kinesis:us-east-1:000000000000:stream/null",
      StreamStatus: "ACTIVE",
      StreamModeDetails: { StreamMode: "PROVISIONED" },
      OpenShardCount: SHARDS,
    },
  }),
  ListShards: () => ({
    Shards: shards.map(({ shardId, startingHashKey, endingHashKey }) => ({
      ShardId: shardId,
      HashKeyRange: { StartingHashKey: startingHashKey, EndingHashKey: endingHashKey },
      SequenceNumberRange: { StartingSequenceNumber: "1" },
    })),
  }),
  PutRecords: (body) => {
    const records = putRecords(body);
    counts.requests++;
    counts.records += records.length;
    counts.bytes += body.length;
    for (const { data } of records) arrived.add(data);
    const Records = records.map(({ hashKey }) => ({ ShardId: shardOf(hashKey), SequenceNumber: "1" }));
    return { FailedRecordCount: 0, Records };
  },
};

function shardOf(hashKey: string): string {
  return shards.find((shard) => owns(shard, hashKey))!.shardId;
}

/** Memory of requests that are done with. */
const buffers: Buffer[] = [];

/** Reads into memory that was used before: taking it anew for each body costs as much as receiving it. */
async function readBody(request: IncomingMessage): Promise<Buffer> {
  const length = Number(request.headers["content-length"]);
  let buffer = buffers.pop();
  if (buffer === undefined || buffer.length < length) buffer = Buffer.allocUnsafeSlow(length);
  let at = 0;
  for await (const chunk of request) at += (chunk as Buffer).copy(buffer, at);
  return buffer.subarray(0, at);
}

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const body = await readBody(request);
  const operation = String(request.headers["x-amz-target"]).replace(/^.*\./, "");
  const isInCbor = isCbor(body);
  const result = answers[operation]?.(body);
  buffers.push(Buffer.from(body.buffer));
  const type = `application/x-amz-${isInCbor ? "cbor" : "json"}-1.1`;
  response.writeHead(result ? 200 : 400, { "content-type": type });
  const content = result ?? { __type: "UnknownOperationException" };
  response.end(isInCbor ? cbor.serialize(content) : JSON.stringify(content));
}

const [key, cert] = process.argv.slice(2).map((path) => readFileSync(path));
const listener = (request: IncomingMessage, response: ServerResponse) => void answer(request, response);
const server =
  key === undefined || cert === undefined ? createServer(listener) : createTlsServer({ key, cert }, listener);

server.listen(0, "127.0.0.1", () => {
  const address = server.address();
  process.stdout.write(`${typeof address === "object" && address ? address.port : ""}\n`);
});
createInterface({ input: process.stdin })
  .on("line", () => process.stdout.write(`${JSON.stringify({ ...counts, ...arrived.counts() })}\n`))
  .once("close", () => {
    server.close();
    server.closeAllConnections();
  });
