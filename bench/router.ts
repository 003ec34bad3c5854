import { gzipSync } from "node:zlib";
import type { KinesisStreamEvent } from "aws-lambda";
import { Router } from "../lambdas/router/router.ts";
import { streamRecords } from "../lambdas/router/stream-record.ts";
import { AggregateBuilder } from "../wire/aggregate.ts";
import { parseConfig, type WeirConfigInput } from "../wire/config.ts";
import { ProvenanceWriter } from "../wire/provenance.ts";
import { cpuSecondsPerGb, rounded, type BenchRow } from "./cpu-time.ts";
import { kinesisAgg } from "./kinesis-agg.ts";
import { accessLines, photoLines, take } from "./sample-lines.ts";

const AGGREGATES = 4;
const AGGREGATE_BYTES = 2 ** 20;
const ROUNDS = 9;

/**
 * The router against a plain handler over the same event of 1 MB aggregates: from the event's base64 to the
 * bytes that would go to S3. The router takes apart, checks MD5 and provenance, types every column and
 * compresses with zstd; the plain handler does what handlers do, and checks nothing.
 */
export async function benchRouter(): Promise<BenchRow[]> {
  const sample = new URL("../weir.config.ts", import.meta.url).href;
  const { default: config } = (await import(sample)) as { default: WeirConfigInput };
  const router = new Router(parseConfig(config, "weir.config.ts"));
  const computing = new Router(parseConfig(computed(config), "weir.config.ts"));
  return [
    ...compare("photo", "JSON lines", photoLines(), router, [["plain handler, gzip 6", plainHandler]]),
    ...compare("access", "combined lines", accessLines(), router, []),
    ...compare("access", "combined lines, six columns computed", accessLines(), computing, []),
  ];
}

/** The sample with columns of its access logs that are computed, one of each usual kind. */
function computed(config: WeirConfigInput): WeirConfigInput {
  const values = {
    is_error: "int(status) >= 500",
    section: "path.split('/')[1]",
    campaign: "query(path, 'utm_source')",
    network: "maskIp(host)",
    team: "lookup('team', path)",
    delay_s: "_arrived_at - _time",
  };
  const columns = Object.entries(values).map(([name, value]) => ({ name, value, type: "super" }));
  const types = config.types.map((type) =>
    type.name === "access" ? { ...type, columns: [...type.columns, ...columns] } : type,
  );
  return { ...config, types, tables: { team: { entries: { "/": "web" }, default: "none" } } };
}

function compare(
  tag: string,
  what: string,
  lines: Iterable<string>,
  router: Router,
  others: readonly [name: string, work: (event: KinesisStreamEvent) => void][],
): BenchRow[] {
  const data = take(lines, AGGREGATES * AGGREGATE_BYTES);
  const bytes = data.reduce((sum, line) => sum + line.length + 1, 0);
  const event = eventOf(aggregates(tag, data));
  const routed = router.route(streamRecords(event)).commit.types[tag];
  if (routed?.rows !== data.length) throw new Error(`${routed?.rows} rows of ${data.length} ${what}`);
  const works: typeof others = [
    [`router, zstd 1`, (event) => void router.route(streamRecords(event))],
    ...others,
  ];
  const seconds = cpuSecondsPerGb(
    bytes,
    ROUNDS,
    works.map(
      ([, work]) =>
        () =>
          work(event),
    ),
  );
  return works.map(([name], i) => ({
    name: `${what}: ${name}`,
    figures: { "CPU s/GB": rounded(seconds[i]!), "bytes a line": Math.round(bytes / data.length) },
  }));
}

/** aws-kinesis-agg, JSON.parse, JSON.stringify, gzip at its default level: about 31 s/GB where measured first. */
function plainHandler({ Records }: KinesisStreamEvent): void {
  const rows: string[] = [];
  for (const { kinesis } of Records) {
    kinesisAgg.deaggregateSync(kinesis, true, (error, records = []) => {
      if (error) throw error;
      for (const { data } of records) {
        rows.push(JSON.stringify(JSON.parse(Buffer.from(data, "base64").toString())));
      }
    });
  }
  gzipSync(rows.join("\n"), { level: 6 });
}

function* aggregates(tag: string, lines: readonly Buffer[]): Generator<Buffer> {
  const source = { id: "c291cmNlMQ3f", host: "web-1", path: "/var/log/app.log" };
  const builder = new AggregateBuilder(AGGREGATE_BYTES);
  let provenance = new ProvenanceWriter();
  let offset = 0;
  for (const data of lines) {
    const position = { source, offset, extent: data.length + 1, gap: undefined };
    if (builder.byteLengthWith(tag, data.length, provenance.tags(position, data.length)) > AGGREGATE_BYTES) {
      yield builder.finish("1");
      provenance = new ProvenanceWriter();
    }
    builder.add(tag, data, provenance.tags(position, data.length));
    provenance.wrote(position);
    offset += position.extent;
  }
  yield builder.finish("1");
}

function eventOf(records: Iterable<Buffer>): KinesisStreamEvent {
  const arn = "arn:aws:kinesis:eu-west-1:123456789012:stream/logs";
  return {
    Records: [...records].map((data, i) => ({
      kinesis: {
        kinesisSchemaVersion: "1.0",
        partitionKey: `${i}`,
        sequenceNumber: `${49_000 + i}`,
        data: data.toString("base64"),
        approximateArrivalTimestamp: 1_795_255_200,
      },
      eventSource: "aws:kinesis",
      eventVersion: "1.0",
      eventID: `shardId-000000000000:${49_000 + i}`,
      eventName: "aws:kinesis:record",
      invokeIdentityArn: "arn:aws:iam::123456789012:role/router",
      awsRegion: "eu-west-1",
      eventSourceARN: arn,
    })),
  };
}

if (import.meta.main) for (const { name, figures } of await benchRouter()) console.log(name, figures);
