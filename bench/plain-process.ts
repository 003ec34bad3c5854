import { createReadStream } from "node:fs";
import { createInterface } from "node:readline";
import { KinesisClient, PutRecordsCommand } from "@aws-sdk/client-kinesis";
import { NodeHttpHandler } from "@smithy/node-http-handler";
import type { ProcessFigures } from "./agent-process.ts";
import { kinesisAgg } from "./kinesis-agg.ts";
import { peakResidentMb } from "./peak-resident.ts";

/**
 * What one writes without Weir: readline, aws-kinesis-agg, the SDK's client. It keeps no positions,
 * repeats nothing that fails and knows no shards.
 *
 *     node plain-process.ts <file> <endpoint>
 */
/** Of lines: with what framing adds, close to the megabyte that a record holds. */
const AGGREGATE_BYTES = 880_000;
const RECORDS = 4;
const HASH_KEY = "0";

const [file = "", endpoint = ""] = process.argv.slice(2);
const client = new KinesisClient({ region: "us-east-1", endpoint, requestHandler: new NodeHttpHandler() });
const startUp = process.cpuUsage();
let aggregator = new kinesisAgg.RecordAggregator();
let bytes = 0;
let records: { Data: Buffer; PartitionKey: string; ExplicitHashKey: string }[] = [];

for await (const line of createInterface({ input: createReadStream(file), crlfDelay: Infinity })) {
  const data = Buffer.from(line);
  aggregator.addUserRecord({ partitionKey: "access", explicitHashKey: HASH_KEY, data });
  bytes += data.length;
  if (bytes > AGGREGATE_BYTES) await close();
}
await close();
if (records.length > 0) await send();
const { user, system } = process.cpuUsage(startUp);
const figures: ProcessFigures = {
  cpuSeconds: (user + system) / 1e6,
  startUpCpuSeconds: (startUp.user + startUp.system) / 1e6,
  residentMb: peakResidentMb(),
  datasyncs: 0,
};
process.stdout.write(`${JSON.stringify(figures)}\n`);
client.destroy();

async function close(): Promise<void> {
  const aggregate = aggregator.build();
  if (aggregate === undefined) return;
  records.push({ Data: aggregate.data, PartitionKey: `${records.length}`, ExplicitHashKey: HASH_KEY });
  aggregator = new kinesisAgg.RecordAggregator();
  bytes = 0;
  if (records.length === RECORDS) await send();
}

async function send(): Promise<void> {
  await client.send(new PutRecordsCommand({ StreamName: "null", Records: records }));
  records = [];
}
