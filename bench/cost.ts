import { PRICES } from "../ops/status/prices.ts";

/**
 * What a month of 730 hours costs by volume and by tick, and what others cost: `node bench/cost.ts` prints the tables of
 * docs/cost.md. What is measured is from bench/results.md and docs/scaling.md; the rest is assumed, and said to be.
 */

const HOURS = 730;
const DAYS = HOURS / 24;
const SECONDS = HOURS * 3_600;

/** Measured: bench/results.md, docs/scaling.md. */
const MEASURED = {
  /** One core of 2.5 GHz; JSON lines in plain aggregates, rows packed by zstd. */
  routerCpuSecondsPerGb: 7.3,
  /** Aggregates to the bytes of the lines in them: agent, CBOR, whose bodies are not base64. */
  recordGbPerGb: 1.05,
  /** Of an aggregate, before compression. */
  recordKb: 256,
  sequencerSecondsPerRun: 0.1,
  sequencerSecondsPerMbPerSecond: 0.026,
};

const ASSUMED = {
  lineBytes: 250,
  types: 3,
  /** Of records and of rows in the lake: a fifth of the lines. */
  zstd: 0.2,
  /** What shards are provided for, to the mean. */
  peak: 2,
  /** What a batch waits for S3, beside its CPU. */
  routerWaitSeconds: 0.2,
  loaderSecondsPerTick: 5,
  /** Of some hundred hosts. */
  fleetSecondsPerRun: 0.3,
  loadOverheadSeconds: 10,
  /** Of log lines, by one RPU. */
  copyMbPerRpuSecond: 10,
  days: 30,
  connectMbPerUnitSecond: 10,
  fluentdMbPerInstanceSecond: 10,
};

const MEMORY_GB = { router: 1, sequencer: 1_769 / 1_024, loader: 0.5, fleet: 0.5 };
/** Lambda gives a whole core at 1,769 MB. source: "Configure Lambda function memory", read 2026-11 */
const ROUTER_CORES = 1_024 / 1_769;
const BATCH = { mb: 4, windowSeconds: 30 };
const WRITER_SHARD_MB_PER_SECOND = 1;
const ON_DEMAND_SHARDS = 4;
const BASE_RPU = 8;

const VOLUMES = [
  ["1 GB", 1],
  ["100 GB", 100],
  ["1 TB", 1_000],
  ["20 TB", 20_000],
] as const;
const TICKS = [1, 5, 15, 60];

type Mode = "on demand" | "on demand, zstd" | "provisioned" | "provisioned, zstd";
const MODES: readonly Mode[] = ["on demand", "on demand, zstd", "provisioned", "provisioned, zstd"];

/** What a volume of log lines, GB a day, puts on the stream. */
function traffic(gbPerDay: number, mode: Mode) {
  const gb = gbPerDay * DAYS;
  const recordGb = gb * MEASURED.recordGbPerGb * (mode.endsWith("zstd") ? ASSUMED.zstd : 1);
  const mbPerSecond = (recordGb * 1_000) / SECONDS;
  const needed = Math.ceil((mbPerSecond * ASSUMED.peak) / WRITER_SHARD_MB_PER_SECOND);
  const shards = mode.startsWith("provisioned") ? Math.max(1, needed) : Math.max(ON_DEMAND_SHARDS, needed);
  const batches = Math.max((recordGb * 1_000) / BATCH.mb, (shards * SECONDS) / BATCH.windowSeconds);
  return { gb, recordGb, mbPerSecond, shards, batches };
}

function stream(gbPerDay: number, mode: Mode): number {
  const { recordGb, shards } = traffic(gbPerDay, mode);
  const { kinesis } = PRICES;
  if (mode.startsWith("provisioned")) {
    const units = (recordGb * 1e6) / 25;
    return (
      shards * HOURS * (kinesis.shardHour + kinesis.keptShardHour) + (units / 1e6) * kinesis.millionPutUnits
    );
  }
  const kept = (recordGb / DAYS) * 6 * kinesis.onDemandKeptGbMonth;
  return (
    kinesis.onDemandStreamHour * HOURS + recordGb * (kinesis.onDemandInGb + kinesis.onDemandOutGb) + kept
  );
}

const lambda = (gbSeconds: number, requests: number): number =>
  gbSeconds * PRICES.lambda.gbSecond + (requests / 1e6) * PRICES.lambda.millionRequests;

function router(gbPerDay: number, mode: Mode): number {
  const { gb, batches } = traffic(gbPerDay, mode);
  const seconds = (gb * MEASURED.routerCpuSecondsPerGb) / ROUTER_CORES + batches * ASSUMED.routerWaitSeconds;
  return lambda(seconds * MEMORY_GB.router, batches);
}

function sequencer(gbPerDay: number, mode: Mode): number {
  const runs = HOURS * 60;
  const { mbPerSecond } = traffic(gbPerDay, mode);
  const seconds = MEASURED.sequencerSecondsPerRun + mbPerSecond * MEASURED.sequencerSecondsPerMbPerSecond;
  return lambda(runs * seconds * MEMORY_GB.sequencer, runs);
}

/** The tick, and the end of each table's load. */
function loader(everyMinutes: number): number {
  const ticks = (HOURS * 60) / everyMinutes;
  return lambda(ticks * ASSUMED.loaderSecondsPerTick * MEMORY_GB.loader, ticks * (1 + ASSUMED.types));
}

/** Its state is read and saved, its page is saved, and heads and heartbeats of a minute are read. */
function fleetWatch(): number {
  const runs = HOURS * 60;
  const requests =
    ((2 * runs) / 1_000) * PRICES.s3.thousandPuts + ((6 * runs) / 1_000) * PRICES.s3.thousandGets;
  return lambda(runs * ASSUMED.fleetSecondsPerRun * MEMORY_GB.fleet, runs) + requests;
}

/** An object of each type and a commit for a batch; the sequencer reads each commit, COPY each object. */
function requests(gbPerDay: number, mode: Mode, everyMinutes: number): number {
  const { batches } = traffic(gbPerDay, mode);
  const [runs, ticks] = [HOURS * 60, (HOURS * 60) / everyMinutes];
  const lists = runs * (1 + (22 * (batches / runs)) / 1_000);
  const puts = batches * (ASSUMED.types + 1) + runs + ticks * ASSUMED.types * 5 + lists;
  const gets = batches * (ASSUMED.types + 1) + ticks * (4 + everyMinutes);
  return (puts / 1_000) * PRICES.s3.thousandPuts + (gets / 1_000) * PRICES.s3.thousandGets;
}

/** Of rows that are kept for a month, once there is a month of them. */
const storage = (gbPerDay: number): number => gbPerDay * ASSUMED.days * ASSUMED.zstd * PRICES.s3.gbMonth;

/** RPU-seconds of loading: a minute of the base capacity at least, for each tick. */
function warehouse(gbPerDay: number, everyMinutes: number): number {
  const ticks = (HOURS * 60) / everyMinutes;
  const mb = (gbPerDay * DAYS * 1_000) / ticks;
  const work = mb / ASSUMED.copyMbPerRpuSecond + ASSUMED.loadOverheadSeconds * BASE_RPU;
  const rpuSeconds = ticks * Math.max(PRICES.redshift.minBusySeconds * BASE_RPU, work);
  return (rpuSeconds / 3_600) * PRICES.redshift.rpuHour;
}

/** Metrics of three types and tables, alarms, and lines of the log: 2 kB a batch, mostly metrics. */
function telling(gbPerDay: number, mode: Mode): number {
  const { batches } = traffic(gbPerDay, mode);
  const metrics = 9 + 4 * (ASSUMED.types + 1) + 5 + 12 + 10 + 5 * ASSUMED.types;
  const alarms = 40 + 2 * ASSUMED.types;
  const logsGb = (batches * 2 + HOURS * 60 * 1) / 1e6;
  const { metricMonth, alarmMonth, logsGb: price } = PRICES.cloudWatch;
  return (
    metrics * metricMonth + alarms * alarmMonth + logsGb * price + PRICES.kms.keyMonth + PRICES.secretMonth
  );
}

function total(gbPerDay: number, mode: Mode, everyMinutes: number): number {
  return (
    stream(gbPerDay, mode) +
    router(gbPerDay, mode) +
    sequencer(gbPerDay, mode) +
    loader(everyMinutes) +
    fleetWatch() +
    requests(gbPerDay, mode, everyMinutes) +
    storage(gbPerDay) +
    warehouse(gbPerDay, everyMinutes) +
    telling(gbPerDay, mode)
  );
}

/** To the lake, and no warehouse or storage: what others are compared by. */
const carried = (gbPerDay: number, mode: Mode): number =>
  stream(gbPerDay, mode) +
  router(gbPerDay, mode) +
  sequencer(gbPerDay, mode) +
  requests(gbPerDay, mode, 15) +
  fleetWatch() +
  telling(gbPerDay, mode);

/** @param recordKb bytes of a record, of which Firehose counts each 5 KB that is begun */
function firehose(gbPerDay: number, recordKb: number): number {
  const { gb, roundingKb } = PRICES.firehose;
  const counted = Math.ceil(recordKb / roundingKb) * roundingKb;
  return gbPerDay * DAYS * (counted / recordKb) * gb;
}

/** Three brokers at least, a day on their disks three times, and workers of Connect. */
function mskConnect(gbPerDay: number): number {
  const mbPerSecond = (gbPerDay * 1_000) / 86_400;
  const brokers = 3 * Math.max(1, Math.ceil((mbPerSecond * ASSUMED.peak) / 60));
  const units = Math.max(2, Math.ceil((mbPerSecond * ASSUMED.peak) / ASSUMED.connectMbPerUnitSecond));
  const { brokerHour, storageGbMonth, connectUnitHour } = PRICES.msk;
  return HOURS * (brokers * brokerHour + units * connectUnitHour) + 3 * gbPerDay * storageGbMonth;
}

/** Two at least, one of which may fail, with a day of buffer each between them; two thirds of the lines cross zones. */
function fluentd(gbPerDay: number): number {
  const mbPerSecond = (gbPerDay * 1_000) / 86_400;
  const instances =
    1 + Math.max(1, Math.ceil((mbPerSecond * ASSUMED.peak) / ASSUMED.fluentdMbPerInstanceSecond));
  const { m7gLargeHour, gp3GbMonth, betweenZonesGb } = PRICES.ec2;
  const disks = Math.max(instances * 50, gbPerDay);
  return instances * HOURS * m7gLargeHour + disks * gp3GbMonth + gbPerDay * DAYS * (2 / 3) * betweenZonesGb;
}

const usd = (value: number): string =>
  `$${value < 10 ? value.toFixed(2) : Math.round(value).toLocaleString("en-US")}`;

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(" | ")} |`;
  return [line(head), line(head.map((_, i) => (i === 0 ? "---" : "---:"))), ...rows.map(line)].join("\n");
}

const volumes = VOLUMES.map(([name]) => `${name} a day`);
const byVolume = (name: string, cost: (gbPerDay: number) => number): string[] => [
  name,
  ...VOLUMES.map(([, gbPerDay]) => usd(cost(gbPerDay))),
];

/** What a part costs for each GB of lines. */
const byGb = (name: string, cost: (gbPerDay: number) => number): string[] => [
  name,
  ...VOLUMES.map(([, gbPerDay]) => smallUsd(cost(gbPerDay) / (gbPerDay * DAYS))),
];

const smallUsd = (value: number): string =>
  value < 0.000_05 ? "< $0.0001" : `$${value.toFixed(value < 0.01 ? 4 : value < 1 ? 3 : 2)}`;

const TABLES: Readonly<Record<string, string>> = {
  "All of it": table(
    ["stream and tick", ...volumes],
    (["on demand", "on demand, zstd", "provisioned, zstd"] as const).flatMap((mode) =>
      TICKS.map((tick) => byVolume(`${mode}; ${tick} min`, (gb) => total(gb, mode, tick))),
    ),
  ),
  "Its parts": table(
    ["part", ...volumes],
    [
      ...MODES.map((mode) => byVolume(`stream, ${mode}`, (gb) => stream(gb, mode))),
      byVolume("router", (gb) => router(gb, "on demand, zstd")),
      byVolume("sequencer", (gb) => sequencer(gb, "on demand, zstd")),
      byVolume("loader, every 15 min", () => loader(15)),
      byVolume("fleet watch", fleetWatch),
      byVolume("S3 requests", (gb) => requests(gb, "on demand, zstd", 15)),
      byVolume("S3 storage, 30 days", storage),
      ...TICKS.map((tick) => byVolume(`warehouse, every ${tick} min`, (gb) => warehouse(gb, tick))),
      byVolume("CloudWatch, key, secret", (gb) => telling(gb, "on demand, zstd")),
    ],
  ),
  "A GB of lines": table(
    ["for each GB", ...volumes],
    [
      byGb("router", (gb) => router(gb, "on demand, zstd")),
      byGb("sequencer", (gb) => sequencer(gb, "on demand, zstd")),
      byGb("loader, every 15 min", () => loader(15)),
      byGb("S3 requests", (gb) => requests(gb, "on demand, zstd", 15)),
      byGb("stream, on demand, zstd", (gb) => stream(gb, "on demand, zstd")),
      byGb("stream, provisioned, zstd", (gb) => stream(gb, "provisioned, zstd")),
      byGb("warehouse, every 15 min", (gb) => warehouse(gb, 15)),
      byGb("Firehose, lines joined to 100 KB", (gb) => firehose(gb, 100)),
      byGb("Firehose to Iceberg", (gb) => gb * DAYS * PRICES.firehose.icebergGb),
    ],
  ),
  Others: table(
    ["to S3, without storage and warehouse", ...volumes],
    [
      ...MODES.map((mode) => byVolume(`Weir, ${mode}`, (gb) => carried(gb, mode))),
      byVolume("Firehose, a line a record", (gb) => firehose(gb, ASSUMED.lineBytes / 1_000)),
      byVolume("Firehose, lines joined to 100 KB", (gb) => firehose(gb, 100)),
      byVolume("Firehose to Iceberg", (gb) => gb * DAYS * PRICES.firehose.icebergGb),
      byVolume("MSK and MSK Connect", mskConnect),
      byVolume("Fluentd aggregators on EC2", fluentd),
    ],
  ),
};

for (const [name, text] of Object.entries(TABLES)) process.stdout.write(`## ${name}\n\n${text}\n\n`);
