import { setTimeout as sleep } from "node:timers/promises";
import { pino } from "pino";
import { runAgent } from "../agent/run-agent.ts";
import { readAgentConfig } from "../agent/read-config.ts";

/**
 * The agent, in a process of its own so that its CPU time is its own: through with its files, or beside
 * files that grow for so many seconds.
 *
 *     node agent-process.ts <config> [seconds]
 */
const SETTLE_MS = 2_000;

export interface ProcessFigures {
  /** While it worked, all threads. */
  readonly cpuSeconds: number;
  /** Before that, once in its life. */
  readonly startUpCpuSeconds: number;
  /** At most. */
  readonly residentMb: number;
}

const [configFile = "", seconds] = process.argv.slice(2);
const config = await readAgentConfig(configFile);
const log = pino({ level: "warn" }, pino.destination(2));
const startUp = process.cpuUsage();
const used = seconds === undefined ? await drain() : await follow(Number(seconds) * 1_000);
const figures: ProcessFigures = {
  cpuSeconds: (used.user + used.system) / 1e6,
  startUpCpuSeconds: (startUp.user + startUp.system) / 1e6,
  residentMb: process.resourceUsage().maxRSS / 1_000,
};
process.stdout.write(`${JSON.stringify(figures)}\n`);

async function drain(): Promise<NodeJS.CpuUsage> {
  await runAgent(config, { signal: new AbortController().signal, log, untilDrained: true });
  return process.cpuUsage(startUp);
}

async function follow(ms: number): Promise<NodeJS.CpuUsage> {
  const stop = new AbortController();
  const running = runAgent(config, { signal: stop.signal, log });
  await sleep(SETTLE_MS);
  const before = process.cpuUsage();
  await sleep(ms);
  const used = process.cpuUsage(before);
  stop.abort();
  await running;
  return used;
}
