import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
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

/** Ways of being through with a file. */
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

/** Of files that grow: megabytes and writes a second. */
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

interface Setting {
  readonly directory: string;
  readonly agent: Producer;
  readonly fluentBit: FluentBit | undefined;
  readonly certificate: Certificate | undefined;
}

/**
 * What the agent costs for a gigabyte of 200-byte lines, beside a file that grows and beside files that don't,
 * against a Kinesis that costs nothing; before it, a plain program for the first. Each in a process of its own,
 * bundled and started as in a deployment. Where FLUENT_BIT names a binary, it does the same in turn.
 * With `--all` files grow at every rate.
 */
export async function benchAgent(ways: readonly Way[] = WAYS): Promise<BenchRow[]> {
  const directory = await mkdtemp(join(tmpdir(), "weir-bench-"));
  try {
    const certificate = makeCertificate(directory);
    const fluentBit = await FluentBit.find(directory, certificate);
    const agent = await MeasuredAgent.bundle(directory);
    const setting = { directory, agent, fluentBit, certificate };
    return await inTurn([...(await fullSpeed(setting, ways)), ...followed(setting, ways)]);
  } finally {
    await rm(directory, { recursive: true });
  }
}

async function fullSpeed(setting: Setting, ways: readonly Way[]): Promise<Measurement[]> {
  const { directory, agent, fluentBit, certificate } = setting;
  const drains = ways.filter((way): way is keyof typeof DRAINS => way in DRAINS);
  if (drains.length === 0 && !ways.includes("plain")) return [];
  const { inputBytes, rounds } = fluentBit === undefined ? ALONE : COMPARED;
  const path = join(directory, "access.log");
  const written = await writeAccessLog(path, inputBytes);
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
    const rivalHow = { ...how, wire: "json" } as const;
    const rival = fluentBit && labelOf(fluentBit, rivalHow);
    add(labelOf(agent, how), agent, how, rounds, rival);
    if (fluentBit && (how.isTls ? fluentBit.speaksTls : fluentBit.speaksHttp))
      add(rival!, fluentBit, rivalHow, rounds);
  }
  return [...measurements.values()];
}

function followed(setting: Setting, ways: readonly Way[]): Measurement[] {
  const { directory, agent, fluentBit } = setting;
  const producers = fluentBit === undefined ? [agent] : [agent, fluentBit];
  const isTls = isAllTls(setting);
  const certificate = isTls ? setting.certificate : undefined;
  const row = async (producer: Producer, situation: Situation) => {
    const how = { compression: "none", wire: "json", isTls } as const;
    const name = (producer: Producer) => `${labelOf(producer, how)}, ${situation.name}`;
    const rival = producer === agent && fluentBit ? name(fluentBit) : undefined;
    return { ...(await followedRow(name(producer), producer, situation, directory, certificate)), rival };
  };
  const measurements: Measurement[] = [];
  const rates = process.argv.includes("--all") ? ALL_RATES : FEW_RATES;
  for (const [megabytes, writes] of ways.includes("live") ? rates : []) {
    const { rounds } = fluentBit === undefined ? ALONE : COMPARED;
    const situation = live(megabytes, writes);
    for (const producer of producers)
      measurements.push({ rounds, run: async () => [await row(producer, situation)] });
  }
  // They don't disturb one another.
  const idle = () => Promise.all(producers.map((producer) => row(producer, IDLE)));
  return ways.includes("idle") ? [...measurements, { rounds: 1, run: idle }] : measurements;
}

function isAllTls({ fluentBit }: Setting): boolean {
  return fluentBit?.speaksHttp === false;
}

function labelOf({ name }: Producer, { compression, wire, isTls }: How): string {
  const words = [name, isTls && "TLS", wire === "cbor" && "CBOR", compression === "zstd" && "zstd"];
  return words.filter(Boolean).join(", ");
}

function isWay(word: string): word is Way {
  return (WAYS as readonly string[]).includes(word);
}

if (import.meta.main) {
  const words = process.argv.slice(2).filter((word) => !word.startsWith("--"));
  const unknown = words.find((word) => !isWay(word));
  if (unknown !== undefined) throw new Error(`${unknown} is not one of ${WAYS.join(", ")}`);
  const rows = await benchAgent(words.length === 0 ? WAYS : words.filter(isWay));
  console.table(Object.fromEntries(rows.map(({ name, figures }) => [name, figures])));
}
