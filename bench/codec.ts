import { AggregateBuilder } from "../wire/aggregate.ts";
import { deaggregate } from "../wire/deaggregate.ts";
import { cpuSecondsPerGb, rounded, type BenchRow } from "./cpu-time.ts";
import { kinesisAgg } from "./kinesis-agg.ts";
import { accessLines, take } from "./sample-lines.ts";

/** A little less than a record holds, so that what framing adds still fits. */
const LINES_BYTES = 900_000;
const ROUNDS = 21;
const HASH_KEY = "170141183460469231731687303715884105728";

/** Our KPL codec against npm's aws-kinesis-agg over the same lines, each with its MD5. */
export function benchCodec(): BenchRow[] {
  const lines = take(accessLines(), LINES_BYTES);
  const bytes = lines.reduce((sum, line) => sum + line.length, 0);
  const aggregate = encode(lines);
  if (deaggregate(aggregate).length !== lines.length) throw new Error("lines were lost");
  const record = { partitionKey: "p", sequenceNumber: "1", data: aggregate.toString("base64") };
  const works: [name: string, work: () => void][] = [
    ["encode: wire/aggregate.ts", () => void encode(lines)],
    ["encode: aws-kinesis-agg", () => encodeWithKinesisAgg(lines)],
    ["decode: wire/deaggregate.ts", () => void deaggregate(Buffer.from(record.data, "base64"))],
    ["decode: aws-kinesis-agg", () => kinesisAgg.deaggregateSync(record, true, throwIfFailed)],
  ];
  const seconds = cpuSecondsPerGb(
    bytes,
    ROUNDS,
    works.map(([, work]) => work),
  );
  return works.map(([name], i) => ({
    name,
    figures: { "MB per CPU s": rounded(1_000 / seconds[i]!), "CPU s/GB": rounded(seconds[i]!) },
  }));
}

const builder = new AggregateBuilder(2 ** 20);

function encode(lines: readonly Buffer[]): Buffer {
  for (const line of lines) builder.add("access", line, []);
  return builder.finish(HASH_KEY);
}

function encodeWithKinesisAgg(lines: readonly Buffer[]): void {
  const aggregator = new kinesisAgg.RecordAggregator();
  for (const data of lines) {
    aggregator.addUserRecord({ partitionKey: "access", explicitHashKey: HASH_KEY, data });
  }
  if (aggregator.build() === undefined) throw new Error("the lines fit no aggregate");
}

function throwIfFailed(error: Error | null): void {
  if (error) throw error;
}

if (import.meta.main) for (const { name, figures } of benchCodec()) console.log(name, figures);
