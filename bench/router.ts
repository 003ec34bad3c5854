import { gzipSync } from "node:zlib";
import type { KinesisStreamEvent } from "aws-lambda";
import { Router } from "../lambdas/router/router.ts";
import { streamRecords } from "../lambdas/router/stream-record.ts";
import { parseConfig, type WeirConfigInput } from "../wire/config.ts";
import { cpuSecondsPerGb, rounded, type BenchRow } from "./cpu-time.ts";
import { benchFullEvent } from "./full-event.ts";
import { kinesisAgg } from "./kinesis-agg.ts";
import { aggregates, eventOf } from "./kinesis-event.ts";
import { routerParts } from "./router-parts.ts";
import { accessLines, ltsvLines, nginxLines, photoLines, syslogLines, take } from "./sample-lines.ts";

const AGGREGATES = 4;
const AGGREGATE_BYTES = 2 ** 20;
const ROUNDS = 9;

const NGINX = `$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent "$http_referer" "$http_user_agent" rt=$request_time`;
const SYSLOG = String.raw`^(?<time>\S+) (?<host>\S+) (?<program>[^\[]+)\[(?<pid>\d+)\]: (?<message>.*)$`;

/** Types beside those of the sample configuration. */
const OTHERS: WeirConfigInput["types"] = [
  { name: "raw", parse: { format: "raw" }, columns: [{ name: "line", type: "varchar(65535)" }] },
  {
    name: "nginx",
    parse: { format: "nginx", logFormat: NGINX },
    time: { field: "time_local", format: "clf" },
    columns: [
      { name: "remote_addr", type: "varchar(64)", nullable: false },
      { name: "method", type: "varchar(16)" },
      { name: "path", type: "varchar(8192)" },
      { name: "protocol", type: "varchar(16)" },
      { name: "status", type: "smallint", nullable: false },
      { name: "body_bytes_sent", type: "bigint" },
      { name: "http_referer", type: "varchar(8192)" },
      { name: "http_user_agent", type: "varchar(2048)" },
      { name: "request_time", type: "decimal(10,3)" },
    ],
  },
  {
    name: "syslog",
    parse: { format: "regex", pattern: SYSLOG },
    time: { field: "time", format: "iso8601" },
    columns: [
      { name: "host", type: "varchar(255)", nullable: false },
      { name: "program", type: "varchar(64)" },
      { name: "pid", type: "integer" },
      { name: "message", type: "varchar(2048)" },
    ],
  },
];

/**
 * The router against a plain handler over the same event of 1 MB aggregates: from the event's base64 to the
 * bytes that would go to S3. The router takes apart, checks MD5 and provenance, types every column and
 * compresses with zstd; the plain handler, of JSON, does what handlers do, and checks nothing. All take turns.
 */
export async function benchRouter(): Promise<BenchRow[]> {
  const sample = new URL("../weir.config.ts", import.meta.url).href;
  const { default: config } = (await import(sample)) as { default: WeirConfigInput };
  const all = { ...config, types: [...config.types, ...OTHERS] };
  const router = new Router(parseConfig(all, "weir.config.ts"));
  const scalar = new Router(parseConfig(all, "weir.config.ts"), { machine: undefined });
  const computing = new Router(parseConfig(computed(config), "weir.config.ts"));
  const json = inputOf("photo", photoLines());
  const access = inputOf("access", accessLines());
  const works: readonly Work[] = [
    { name: "JSON lines: plain handler, gzip 6", input: json, run: plainHandler },
    workOf("JSON lines", json, router),
    workOf("JSON lines, without vectors", json, scalar),
    workOf("combined lines", access, router),
    workOf("nginx lines of a log_format", inputOf("nginx", nginxLines()), router),
    workOf("raw lines", inputOf("raw", accessLines()), router),
    workOf("LTSV lines", inputOf("user", ltsvLines()), router),
    workOf("lines of a regex with five groups", inputOf("syslog", syslogLines()), router),
    workOf("combined lines, six columns computed", access, computing),
  ];
  const measured = cpuSecondsPerGb(
    AGGREGATES * AGGREGATE_BYTES,
    ROUNDS,
    works.map(
      ({ input, run }) =>
        () =>
          run(input.event),
    ),
  );
  // Each has a little less than the whole of its aggregates.
  const seconds = measured.map((value, i) => (value * AGGREGATES * AGGREGATE_BYTES) / works[i]!.input.bytes);
  const rows = works.map(({ name, input, router }, i) => ({
    name,
    figures: {
      "CPU s/GB": rounded(seconds[i]!),
      "of the plain handler": rounded(seconds[i]! / seconds[0]!),
      ...(router && routerParts(input.event, input.bytes, router)),
      "bytes a line": Math.round(input.bytes / input.lines),
    },
  }));
  return [...rows, await benchFullEvent()];
}

/** Lines as Lambda hands them over. */
interface Input {
  readonly tag: string;
  readonly event: KinesisStreamEvent;
  readonly lines: number;
  readonly bytes: number;
}

interface Work {
  readonly name: string;
  readonly input: Input;
  readonly run: (event: KinesisStreamEvent) => void;
  readonly router?: Router;
}

function inputOf(tag: string, lines: Iterable<string>): Input {
  const data = take(lines, AGGREGATES * AGGREGATE_BYTES);
  const bytes = data.reduce((sum, line) => sum + line.length + 1, 0);
  return { tag, event: eventOf(aggregates(tag, data, AGGREGATE_BYTES)), lines: data.length, bytes };
}

function workOf(name: string, input: Input, router: Router): Work {
  const { rows } = router.route(streamRecords(input.event)).commit.types[input.tag]!;
  if (rows !== input.lines) throw new Error(`${rows} rows of ${input.lines} ${name}`);
  const run = (event: KinesisStreamEvent): void => void router.route(streamRecords(event));
  return { name: `${name}: router, zstd 1`, input, run, router };
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

if (import.meta.main) for (const { name, figures } of await benchRouter()) console.log(name, figures);
