import { createRequire } from "node:module";

/** The parts of npm's aws-kinesis-agg that serve as an oracle; its own typings need the old SDK. */
interface KinesisAgg {
  deaggregateSync(
    record: { partitionKey: string; sequenceNumber: string; data: string },
    computeChecksums: boolean,
    done: (error: Error | null, records?: readonly OracleRecord[]) => void,
  ): void;
  RecordAggregator: new () => {
    addUserRecord(record: { partitionKey: string; explicitHashKey?: string; data: Buffer }): void;
    build(): { data: Buffer } | undefined;
  };
}

interface OracleRecord {
  partitionKey: string;
  explicitPartitionKey?: string;
  data: string;
}

export const kinesisAgg = createRequire(import.meta.url)("aws-kinesis-agg") as KinesisAgg;

/** What aws-kinesis-agg reads in an aggregate, checksum verified. */
export function oracleRead(aggregate: Uint8Array): { partitionKey: string; data: Buffer }[] {
  let read: readonly OracleRecord[] = [];
  const record = { partitionKey: "p", sequenceNumber: "1", data: Buffer.from(aggregate).toString("base64") };
  kinesisAgg.deaggregateSync(record, true, (error, records) => {
    if (error) throw error;
    read = records ?? [];
  });
  return read.map(({ partitionKey, data }) => ({ partitionKey, data: Buffer.from(data, "base64") }));
}
