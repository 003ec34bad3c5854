import { mkdtemp, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { accessLine, growAccessLog, type WrittenLines } from "./access-log.ts";
import type { Certificate } from "./certificate.ts";
import { type BenchRow, rounded } from "./cpu-time.ts";
import { ProcessCost } from "./process-cost.ts";
import type { Producer } from "./producer.ts";
import { Sink } from "./sink.ts";

/** Waits longer than anyone lingers. */
const ARRIVAL_MS = 15_000;

export interface Situation {
  readonly name: string;
  /** Time before anything is measured. */
  readonly settleSeconds: number;
  readonly seconds: number;
  /** Writes files into a folder. */
  readonly prepare: (directory: string) => Promise<WrittenLines>;
  /** Makes them grow until the signal. */
  readonly grow?: (directory: string, signal: AbortSignal) => Promise<WrittenLines>;
}

const GROWING = "access.log";
const NOTHING: WrittenLines = { lines: 0, bytes: 0 };
const IDLE_FILES = 200;

/** A minute has one heartbeat, and a hundredth of a percent of it is six milliseconds. */
export const IDLE: Situation = {
  name: `${IDLE_FILES} idle files`,
  settleSeconds: 6,
  seconds: 60,
  prepare: async (directory) => {
    const line = accessLine(0);
    for (let i = 0; i < IDLE_FILES; i++) await writeFile(join(directory, `${i}.log`), line);
    return { lines: IDLE_FILES, bytes: IDLE_FILES * line.length };
  },
};

/** A file that grows. */
export function live(megabytes: number, writes: number): Situation {
  return {
    name: `${megabytes} MB/s in ${writes} writes/s`,
    settleSeconds: 2,
    seconds: 10,
    prepare: async (directory) => {
      await writeFile(join(directory, GROWING), "");
      return NOTHING;
    },
    grow: (directory, signal) =>
      growAccessLog(join(directory, GROWING), (megabytes * 1e6) / writes, writes, signal),
  };
}

/** Measures a producer that follows files. @throws Error where not all that was written has arrived */
export async function followedRow(
  name: string,
  producer: Producer,
  { settleSeconds, seconds, prepare, grow }: Situation,
  parent: string,
  certificate: Certificate | undefined,
): Promise<BenchRow> {
  await using sink = await Sink.start(certificate);
  const directory = await mkdtemp(join(parent, "logs-"));
  const stood = await prepare(directory);
  const job = { path: join(directory, "*.log"), endpoint: sink.endpoint, certificate };
  await using following = await producer.follow({ ...job, compression: "none", wire: "json" });
  const over = new AbortController();
  const growing = grow?.(directory, over.signal) ?? NOTHING;
  const cost = new ProcessCost(following.pid);
  await sleep(settleSeconds * 1_000);
  cost.read();
  const before = cost.cpuSeconds;
  await sleep(seconds * 1_000);
  const isAlive = cost.read();
  over.abort();
  const grown = await growing;
  const written = { lines: stood.lines + grown.lines, bytes: stood.bytes + grown.bytes };
  if (!isAlive) throw new Error(`${name}: it has ended`);
  await sink.receive(written, ARRIVAL_MS).catch((error: Error) => {
    throw new Error(`${name}: ${error.message}`, { cause: error });
  });
  return {
    name,
    figures: {
      "CPU %": rounded((100 * (cost.cpuSeconds - before)) / seconds),
      "resident MB": Math.round(cost.peakResidentMb),
    },
  };
}
