import { createRequire } from "node:module";

/** npm's aws-kinesis-agg, what Node handlers use otherwise. Its own typings need the old SDK. */
interface KinesisAgg {
  deaggregateSync(
    record: { partitionKey: string; sequenceNumber: string; data: string },
    computeChecksums: boolean,
    done: (error: Error | null, records?: readonly { data: string }[]) => void,
  ): void;
  RecordAggregator: new () => {
    addUserRecord(record: { partitionKey: string; explicitHashKey: string; data: Buffer }): void;
    build(): { data: Buffer } | undefined;
  };
}

export const kinesisAgg = createRequire(import.meta.url)("aws-kinesis-agg") as KinesisAgg;
