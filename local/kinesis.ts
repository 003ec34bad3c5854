import { createRequire } from "node:module";
import { DescribeStreamSummaryCommand, KinesisClient, ListStreamsCommand } from "@aws-sdk/client-kinesis";
import { NodeHttpHandler } from "@smithy/node-http-handler";
import { CREDENTIALS } from "./credentials.ts";
import { freePort, startPart, type Part } from "./part.ts";
import { startProcess } from "./process.ts";

/** kinesis-local starts with these; more than it allows by default, so that shards can be split. */
const SHARD_LIMIT = "1000";

export interface KinesisOptions {
  readonly streams: readonly { readonly name: string; readonly shards: number }[];
  /** Streams survive a restart here; left out, they live in memory. */
  readonly dataDir?: string;
  readonly port?: number;
  /** Streams exist in this region only: clients must name the same one. */
  readonly region?: string;
  readonly signal?: AbortSignal;
}

/**
 * Kinesis on this machine: kinesis-local in a process of its own, its streams active.
 *
 * It neither throttles nor fails partially, and moves about 2 MB/s each way.
 *
 * @throws PartError
 */
export async function startKinesis(options: KinesisOptions): Promise<Part> {
  const { streams, port, region = "us-east-1", signal } = options;
  const script = createRequire(import.meta.url).resolve("kinesis-local/main.js");
  const start = async (plainPort: number) =>
    startProcess({
      name: "Kinesis",
      script,
      environment: {
        AWS_REGION: region,
        CREATE_STREAM_DURATION: "0ms",
        KINESIS_MOCK_CERT_PATH: script.replace(/main\.js$/, "server.json"),
        KINESIS_MOCK_PLAIN_PORT: `${plainPort}`,
        KINESIS_MOCK_TLS_PORT: `${await freePort()}`,
        LOG_LEVEL: "WARN",
        SHARD_LIMIT,
        // Taken from a list of none, the setting is an error.
        ...(streams.length > 0 && { INITIALIZE_STREAMS: streamList(streams, region) }),
        ...persistence(options.dataDir),
      },
      signal,
    });
  return startPart("Kinesis", port, start, (endpoint) => describeAll(endpoint, options), signal);
}

function streamList(streams: KinesisOptions["streams"], region: string): string {
  return streams.map(({ name, shards }) => `${name}:${shards}:${region}`).join(",");
}

function persistence(dataDir: string | undefined): Record<string, string> {
  return dataDir === undefined
    ? {}
    : { SHOULD_PERSIST_DATA: "true", PERSIST_PATH: dataDir, PERSIST_INTERVAL: "1s" };
}

async function describeAll(endpoint: string, options: KinesisOptions): Promise<void> {
  const client = new KinesisClient({
    endpoint,
    region: options.region ?? "us-east-1",
    credentials: CREDENTIALS,
    requestHandler: new NodeHttpHandler(),
    maxAttempts: 1,
  });
  try {
    await client.send(new ListStreamsCommand({}));
    for (const { name } of options.streams) {
      const described = await client.send(new DescribeStreamSummaryCommand({ StreamName: name }));
      const status = described.StreamDescriptionSummary?.StreamStatus;
      if (status !== "ACTIVE") throw new Error(`stream ${name} is ${status}`);
    }
  } finally {
    client.destroy();
  }
}
