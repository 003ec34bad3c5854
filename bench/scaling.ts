import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { rounded } from "./cpu-time.ts";
import { BATCHES_A_MINUTE } from "./commit-stream.ts";
import { type Counted, ScalingSimulation } from "./scaling-simulation.ts";

const MINUTES_A_DAY = 1_440;

/**
 * Rates, and how long each is simulated. The sequencer looks 20 minutes back, so its requests are those of any later
 * minute from the 23rd on. A day of 231 MB/s takes most of an hour. At 10 GB/s it would take days: what grows with the
 * look-back, and a tick of the loader, are multiples of what two minutes take.
 */
const RATES = [
  { name: "1 MB/s", shards: 1, minutes: MINUTES_A_DAY },
  { name: "231 MB/s", shards: 231, minutes: MINUTES_A_DAY },
  { name: "10 GB/s", shards: 10_000, minutes: 2 },
] as const;

const LOADER_EVERY_MINUTES = 5;
/** In steady state: the last so many minutes. */
const MEASURED_MINUTES = 10;
/** From 20 minutes before the run before, to the full minute. */
const LISTED_MINUTES = 22;

/** Aggregates in a batch of 4 MB, each of another host with three files. */
const AGGREGATES = 20;

/** USD a request. source: S3 pricing, us-east-1, Standard, read 2026-11 */
const DOLLARS = { list: 0.005 / 1_000, put: 0.005 / 1_000, get: 0.0004 / 1_000 } as const;

/**
 * What S3 takes, for the length of the sequencer's run: some 50 ms for a page of a listing, one after the other, and
 * 20 ms for a small object, of which the sequencer reads 32 at a time.
 */
const PAGE_SECONDS = 0.05;
const GET_SECONDS = 0.02 / 32;
/** A run begins no more work after so long. */
const RUN_SECONDS = 40;

/** Averages, of a minute of the sequencer and of a tick of the loader. */
interface Figures {
  readonly commits: number;
  readonly sequencer: Sums;
  readonly loader: Sums & { readonly loads: number; readonly stateBytes: number };
  /** Requests of a day. */
  readonly sweep: Sums;
}

interface Sums {
  readonly pages: number;
  readonly gets: number;
  readonly puts: number;
  readonly getBytes: number;
  readonly putBytes: number;
}

async function simulate({ shards }: (typeof RATES)[number], minutes: number): Promise<Figures> {
  const simulation = new ScalingSimulation({ shards, aggregates: AGGREGATES });
  const everyMinutes = Math.min(LOADER_EVERY_MINUTES, minutes);
  const sequenced: Sums[] = [];
  const loaded: Figures["loader"][] = [];
  for (let minute = 1; minute <= minutes; minute++) {
    sequenced.push(sums(await simulation.sequence()));
    if (minute % everyMinutes !== 0) continue;
    const { requests, loads, stateBytes } = await simulation.load();
    const share = LOADER_EVERY_MINUTES / everyMinutes;
    loaded.push({ ...times(share, { ...sums(requests), loads }), stateBytes });
  }
  simulation.assertComplete();
  const sequencer = mean(sequenced.slice(-MEASURED_MINUTES));
  const isFull = minutes > LISTED_MINUTES + MEASURED_MINUTES;
  const pages = isFull ? sequencer.pages : (sequenced.at(-1)!.pages / minutes) * LISTED_MINUTES;
  const { before, sweeping } = await simulation.sweep();
  return {
    commits: shards * BATCHES_A_MINUTE,
    sequencer: { ...sequencer, pages },
    loader: mean(loaded.slice(-MEASURED_MINUTES / LOADER_EVERY_MINUTES)),
    sweep: times(MINUTES_A_DAY / minutes, less(sums(sweeping), sums(before))),
  };
}

function sums(counted: Counted): Sums {
  const of = (verb: string, what: "count" | "bytes"): number =>
    [...counted].reduce((sum, [kind, requests]) => sum + (kind.startsWith(verb) ? requests[what] : 0), 0);
  return {
    pages: of("LIST", "count"),
    gets: of("GET", "count"),
    puts: of("PUT", "count"),
    getBytes: of("GET", "bytes"),
    putBytes: of("PUT", "bytes"),
  };
}

function mean<T extends object>(all: readonly T[]): T {
  const fields = Object.keys(all[0]!) as (keyof T)[];
  const of = (field: keyof T): number =>
    all.reduce((sum, one) => sum + (one[field] as number), 0) / all.length;
  return Object.fromEntries(fields.map((field) => [field, of(field)])) as T;
}

function less(all: Sums, some: Sums): Sums {
  const fields = Object.keys(all) as (keyof Sums)[];
  return Object.fromEntries(fields.map((field) => [field, all[field] - some[field]])) as Record<
    keyof Sums,
    number
  >;
}

function times<T extends object>(factor: number, figures: T): T {
  const all = Object.entries(figures).map(([field, value]) => [field, (value as number) * factor]);
  return Object.fromEntries(all) as T;
}

function rows({ commits, sequencer, loader, sweep }: Figures): Record<string, string> {
  const perDay = (of: keyof Sums): number =>
    sequencer[of] * MINUTES_A_DAY + loader[of] * (MINUTES_A_DAY / LOADER_EVERY_MINUTES) + sweep[of];
  const dollars =
    perDay("pages") * DOLLARS.list + perDay("puts") * DOLLARS.put + perDay("gets") * DOLLARS.get;
  const runSeconds = sequencer.pages * PAGE_SECONDS + sequencer.gets * GET_SECONDS;
  return {
    "commits a minute": shown(commits),
    "sequencer, a minute: list pages": shown(sequencer.pages),
    "sequencer, a minute: GETs": shown(sequencer.gets),
    "sequencer, a minute: segments put": shown(sequencer.puts),
    "sequencer, a minute: MB put": shown(sequencer.putBytes / 1e6),
    "sequencer: commits that a run looks back on": shown(commits * LISTED_MINUTES),
    "sequencer: seconds a run waits for S3": shown(runSeconds),
    "loader, a tick: list pages": shown(loader.pages),
    "loader, a tick: GETs": shown(loader.gets),
    "loader, a tick: MB read": shown(loader.getBytes / 1e6),
    "loader, a tick: PUTs": shown(loader.puts),
    "loader, a tick: MB of manifests, commits and ranges put": shown(loader.putBytes / 1e6),
    "loader, a tick: loads of three tables": shown(loader.loads),
    "loader: bytes of state": shown(loader.stateBytes),
    "sweep, a day: list pages": shown(sweep.pages),
    "both, a day: USD for S3 requests": shown(dollars),
    "latency added by the log, mean and most":
      runSeconds < RUN_SECONDS ? `${shown(30 + runSeconds)} s, ${shown(60 + runSeconds)} s` : "grows",
  };
}

function shown(value: number): string {
  return (value >= 100 ? Math.round(value) : rounded(value)).toLocaleString("en-US");
}

/**
 * `node bench/scaling.ts`: prints the table of docs/scaling.md. Each rate has a process of its own.
 * `node bench/scaling.ts RATE [MINUTES]`: one of them, for as long as is wanted.
 */
async function main(): Promise<void> {
  const only = RATES.find(({ name }) => name === process.argv[2]);
  if (only) {
    const minutes = Number(process.argv[3] ?? only.minutes);
    process.stdout.write(JSON.stringify(rows(await simulate(only, minutes))));
    return;
  }
  const columns = RATES.map(({ name }) => {
    console.error(`simulating ${name}`);
    const script = fileURLToPath(import.meta.url);
    return JSON.parse(
      execFileSync(process.execPath, ["--max-old-space-size=6000", script, name], { encoding: "utf8" }),
    ) as Record<string, string>;
  });
  const lines = [
    ["", ...RATES.map(({ name }) => name)],
    ["---", ...RATES.map(() => "---:")],
    ...Object.keys(columns[0]!).map((row) => [row, ...columns.map((column) => column[row]!)]),
  ];
  process.stdout.write(lines.map((cells) => `| ${cells.join(" | ")} |\n`).join(""));
}

await main();
