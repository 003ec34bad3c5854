import { cbor } from "@smithy/core/cbor";
import { readFileSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { createServer as createTlsServer } from "node:https";

/**
 * A Kinesis that takes everything and keeps nothing, for measuring producers: what a request costs
 * here is little, and is spent in this process. Prints its port, and its counts at the end of stdin.
 *
 *     node null-kinesis.ts [<key> <certificate>]
 */
const SHARDS = 4;
const SHARD_KEYS = 2n ** 128n / BigInt(SHARDS);
const DATA = Buffer.from('"Data":"');
const RECORDS = Buffer.from("gRecords");

const counts = { requests: 0, records: 0, bytes: 0 };

const shards = Array.from({ length: SHARDS }, (_, i) => ({
  ShardId: `shardId-${`${i}`.padStart(12, "0")}`,
  HashKeyRange: {
    StartingHashKey: `${SHARD_KEYS * BigInt(i)}`,
    EndingHashKey: `${SHARD_KEYS * BigInt(i + 1) - 1n}`,
  },
  SequenceNumberRange: { StartingSequenceNumber: "1" },
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
  ListShards: () => ({ Shards: shards }),
  PutRecords: (body) => {
    const records = isCbor(body) ? recordsInCbor(body) : occurrences(body, DATA);
    counts.requests++;
    counts.records += records;
    counts.bytes += body.length;
    const result = { ShardId: shards[0]!.ShardId, SequenceNumber: "1" };
    return { FailedRecordCount: 0, Records: Array.from({ length: records }, () => result) };
  },
};

function isCbor(body: Buffer): boolean {
  return body[0]! >> 5 === 5;
}

/** From the head of the array. */
function recordsInCbor(body: Buffer): number {
  const head = body.indexOf(RECORDS) + RECORDS.length;
  const length = body[head]! & 31;
  return length < 24 ? length : body.readUIntBE(head + 1, 2 ** (length - 24));
}

function occurrences(body: Buffer, part: Buffer): number {
  let count = 0;
  for (let at = body.indexOf(part); at !== -1; at = body.indexOf(part, at + part.length)) count++;
  return count;
}

async function readBody(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const body = await readBody(request);
  const operation = String(request.headers["x-amz-target"]).replace(/^.*\./, "");
  const result = answers[operation]?.(body);
  const isInCbor = isCbor(body);
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
process.stdin.resume().once("end", () => {
  process.stdout.write(`${JSON.stringify(counts)}\n`);
  server.close();
  server.closeAllConnections();
});
