import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { writeAccessLog } from "./access-log.ts";
import { type Certificate, makeCertificate } from "./certificate.ts";
import { inTurn, type Measurement } from "./comparison.ts";
import type { BenchRow } from "./cpu-time.ts";
import { FluentBit } from "./fluent-bit.ts";
import { followedRow, IDLE, live, type Situation } from "./followed-files.ts";
import { fullSpeedRow } from "./full-speed.ts";
import { MeasuredAgent } from "./measured-agent.ts";
import { PlainProgram } from "./plain-program.ts";
import type { Job, Producer } from "./producer.ts";

/** Ways to get through a file at full speed. */
const DRAINS = {
  none: { compression: "none", wire: "json", isTls: false },
  tls: { compression: "none", wire: "json", isTls: true },
  cbor: { compression: "none", wire: "cbor", isTls: false },
  zstd: { compression: "zstd", wire: "json", isTls: false },
} as const;
type How = Pick<Job, "compression" | "wire"> & { readonly isTls: boolean };

const WAYS = ["plain", "none", "tls", "cbor", "zstd", "live", "idle"] as const;
type Way = (typeof WAYS)[number];

const ALONE = { inputBytes: 256 * 10 ** 6, rounds: 1 };
const COMPARED = { inputBytes: 500 * 10 ** 6, rounds: 3 };

/** Rates at which files grow: megabytes and writes a second. */
const FEW_RATES = [
  [1, 20],
  [1, 500],
] as const;
const ALL_RATES = [
  [1, 20],
  [1, 100],
  [1, 500],
  [5, 20],
  [5, 100],
  [5, 500],
] as const;

export interface AgentBenchOptions {
  readonly ways?: readonly Way[] | undefined;
  /** Lets files grow at every rate. */
  readonly isFull?: boolean | undefined;
  readonly rounds?: number | undefined;
}

interface Setting {
  readonly directory: string;
  readonly agent: Producer;
  readonly fluentBit: FluentBit | undefined;
  readonly certificate: Certificate | undefined;
  readonly inputBytes: number;
  readonly rounds: number;
}

/**
 * What the agent costs for a gigabyte of 200-byte lines, beside a file that grows and beside files that don't,
 * against a Kinesis that costs nothing; before it, a plain program for the first. Each runs in a process of its own,
 * bundled and started as in a deployment. Fluent Bit does the same in turn if FLUENT_BIT names a binary.
 */
export async function benchAgent(options: AgentBenchOptions = {}): Promise<BenchRow[]> {
  const { ways = WAYS, isFull = false } = options;
  const directory = await mkdtemp(join(tmpdir(), "weir-bench-"));
  try {
    const certificate = makeCertificate(directory);
    const fluentBit = await FluentBit.find(directory, certificate);
    const agent = await MeasuredAgent.bundle(directory);
    const { inputBytes, rounds } = fluentBit === undefined ? ALONE : COMPARED;
    const producers = { agent, fluentBit, certificate };
    const setting = { directory, ...producers, inputBytes, rounds: options.rounds ?? rounds };
    const measurements = await atFullSpeed(setting, ways);
    if (ways.includes("live")) measurements.push(...beside(setting, isFull ? ALL_RATES : FEW_RATES));
    if (ways.includes("idle")) measurements.push(besideIdleFiles(setting));
    return await inTurn(measurements);
  } finally {
    await rm(directory, { recursive: true });
  }
}

async function atFullSpeed(setting: Setting, ways: readonly Way[]): Promise<Measurement[]> {
  const { directory, agent, fluentBit, certificate, inputBytes, rounds } = setting;
  const drains = ways.filter((way): way is keyof typeof DRAINS => way in DRAINS);
  if (drains.length === 0 && !ways.includes("plain")) return [];
  const path = join(directory, "access.log");
  const written = await writeAccessLog(path, inputBytes);
  // Named, so that what two ways have in common is measured once.
  const measurements = new Map<string, Measurement>();
  const add = (name: string, producer: Pick<Producer, "drain">, how: How, rounds: number, rival?: string) => {
    const job = { path, ...how, certificate: how.isTls ? certificate : undefined };
    const run = async () => [{ ...(await fullSpeedRow(name, producer, written, job)), rival }];
    measurements.set(name, { rounds, run });
  };
  if (ways.includes("plain")) {
    const plain = await PlainProgram.bundle(directory);
    add(plain.name, plain, DRAINS.none, 1);
  }
  for (const way of drains) {
    const how = { ...DRAINS[way], isTls: DRAINS[way].isTls || isAllTls(setting) };
    if (how.isTls && certificate === undefined) continue;
    // Fluent Bit has no CBOR: what it sends in JSON stands beside it.
    const inJson = { ...how, wire: "json" } as const;
    const rival = fluentBit && labelOf(fluentBit, inJson);
    add(labelOf(agent, how), agent, how, rounds, rival);
    if (fluentBit?.speaks(how.isTls)) add(labelOf(fluentBit, inJson), fluentBit, inJson, rounds);
  }
  return [...measurements.values()];
}

function beside(setting: Setting, rates: typeof FEW_RATES | typeof ALL_RATES): Measurement[] {
  return rates.flatMap(([megabytes, writes]) => {
    const situation = live(megabytes, writes);
    return producersOf(setting).map((producer) => {
      const run = async () => [await situationRow(setting, producer, situation)];
      return { rounds: setting.rounds, run };
    });
  });
}

/** Measures all at the same time, for they don't disturb one another. */
function besideIdleFiles(setting: Setting): Measurement {
  const run = () =>
    Promise.all(producersOf(setting).map((producer) => situationRow(setting, producer, IDLE)));
  return { rounds: 1, run };
}

function producersOf({ agent, fluentBit }: Setting): Producer[] {
  return fluentBit === undefined ? [agent] : [agent, fluentBit];
}

async function situationRow(setting: Setting, producer: Producer, situation: Situation) {
  const { directory, agent, fluentBit } = setting;
  const isTls = isAllTls(setting);
  const nameOf = (of: Producer) =>
    `${labelOf(of, { compression: "none", wire: "json", isTls })}, ${situation.name}`;
  const rival = producer === agent && fluentBit ? nameOf(fluentBit) : undefined;
  const certificate = isTls ? setting.certificate : undefined;
  return { ...(await followedRow(nameOf(producer), producer, situation, directory, certificate)), rival };
}

function isAllTls({ fluentBit }: Setting): boolean {
  return fluentBit?.speaks(false) === false;
}

function labelOf({ name }: Producer, { compression, wire, isTls }: How): string {
  const words = [name, isTls && "TLS", wire === "cbor" && "CBOR", compression === "zstd" && "zstd"];
  return words.filter(Boolean).join(", ");
}

/** Measures some ways only: `node bench/agent.ts [--all] [--rounds=N] [way ...]`. */
async function main(): Promise<void> {
  const options = { all: { type: "boolean" }, rounds: { type: "string" } } as const;
  const { values, positionals } = parseArgs({ options, allowPositionals: true });
  const ways = positionals.map((word) => {
    const way = WAYS.find((name) => name === word);
    if (way === undefined) throw new Error(`${word} is not one of ${WAYS.join(", ")}`);
    return way;
  });
  const rows = await benchAgent({
    ways: ways.length === 0 ? undefined : ways,
    isFull: values.all,
    rounds: values.rounds === undefined ? undefined : Number(values.rounds),
  });
  console.table(Object.fromEntries(rows.map(({ name, figures }) => [name, figures])));
}

if (import.meta.main) await main();
