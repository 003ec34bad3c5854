import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { json } from "node:stream/consumers";
import { SHARD_WRITE_BYTES_PER_SECOND } from "../wire/limits.ts";
import { ShardLimits } from "./shard-limits.ts";

/**
 * A Kinesis that keeps nothing, but takes no more than its shards are allowed to: how much of that a producer
 * makes use of. Prints its port, and its figures at the end of stdin.
 *
 *     node limited-kinesis.ts <shards>
 */
export interface LimitedFigures {
  /** From the first record to the last. */
  readonly seconds: number;
  readonly bytes: number;
  readonly records: number;
  readonly throttled: number;
  /** What all shards may take in that time. */
  readonly allowedBytes: number;
}

interface Entry {
  readonly Data: string;
  readonly PartitionKey: string;
  readonly ExplicitHashKey: string;
}

const KEYS = 2n ** 128n;
const count = Number(process.argv[2]);
const limits = new ShardLimits();
const taken = { bytes: 0, records: 0, sinceMs: Infinity, untilMs: 0 };

const idOf = (i: number): string => `shardId-${`${i}`.padStart(12, "0")}`;
const startOf = (i: number): bigint => (KEYS / BigInt(count)) * BigInt(i);

const answers: Record<string, (body: { Records: readonly Entry[] }) => object> = {
  DescribeStreamSummary: () => ({ StreamDescriptionSummary: { StreamName: "null", StreamStatus: "ACTIVE" } }),
  ListShards: () => ({
    Shards: Array.from({ length: count }, (_, i) => ({
      ShardId: idOf(i),
      HashKeyRange: { StartingHashKey: `${startOf(i)}`, EndingHashKey: `${startOf(i + 1) - 1n}` },
    })),
  }),
  PutRecords: ({ Records }) => ({ Records: Records.map(put) }),
};

function put({ Data, PartitionKey, ExplicitHashKey }: Entry): object {
  const ShardId = idOf(Number(BigInt(ExplicitHashKey) / (KEYS / BigInt(count))));
  const bytes = Buffer.byteLength(Data, "base64") + PartitionKey.length;
  const nowMs = performance.now();
  if (!limits.takes(ShardId, bytes, nowMs)) return { ErrorCode: "ProvisionedThroughputExceededException" };
  taken.bytes += bytes;
  taken.sinceMs = Math.min(taken.sinceMs, nowMs);
  taken.untilMs = nowMs;
  return { ShardId, SequenceNumber: `${++taken.records}` };
}

function figures(): LimitedFigures {
  const { bytes, records, sinceMs, untilMs } = taken;
  const seconds = (untilMs - sinceMs) / 1_000;
  const allowedBytes = seconds * count * SHARD_WRITE_BYTES_PER_SECOND;
  return { seconds, bytes, records, throttled: limits.refused, allowedBytes };
}

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const body = (await json(request)) as { Records: readonly Entry[] };
  const operation = String(request.headers["x-amz-target"]).replace(/^.*\./, "");
  const result = answers[operation]?.(body);
  response.writeHead(result ? 200 : 400, { "content-type": "application/x-amz-json-1.1" });
  response.end(JSON.stringify(result ?? { __type: "UnknownOperationException" }));
}

const server = createServer((request, response) => void answer(request, response));

server.listen(0, "127.0.0.1", () => {
  const address = server.address();
  process.stdout.write(`${typeof address === "object" && address ? address.port : ""}\n`);
});
process.stdin.resume().once("end", () => {
  process.stdout.write(`${JSON.stringify(figures())}\n`);
  server.close();
  server.closeAllConnections();
});
