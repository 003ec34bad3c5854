import { once } from "node:events";
import { open } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { pino } from "pino";
import type { AgentPhase } from "../agent/process/agent.ts";
import type { AgentConfig } from "../agent/config/config.ts";
import { runAgent } from "../agent/process/run-agent.ts";
import { readAgentConfig } from "../agent/config/read-config.ts";
import { peakResidentMb } from "./peak-resident.ts";

/**
 * The agent, in a process of its own so that its CPU time is its own: through with its files, beside
 * files that grow for so many seconds, or taking what is sent to it until its standard input ends.
 *
 *     node agent-process.ts <config> [serve | seconds [settle-seconds]]
 */
const DEFAULT_SETTLE_SECONDS = "2";

export interface ProcessFigures {
  /** While it worked, all threads. */
  readonly cpuSeconds: number;
  /** Before that, once in its life. */
  readonly startUpCpuSeconds: number;
  /** At most. */
  readonly residentMb: number;
  /** Calls of fdatasync. */
  readonly datasyncs: number;
  /** Of a process that follows: since it began, until lines flow. */
  readonly readyMs?: number;
  /** Of a process that follows: after a minute, or at the end of less; and at the end. */
  readonly residentMbBetween?: readonly [number, number];
}

const MINUTE_MS = 60_000;

const [configFile = "", mode, settleSeconds = DEFAULT_SETTLE_SECONDS] = process.argv.slice(2);
const log = pino({ level: "warn" }, pino.destination(2));
const followed: { readyMs?: number; residentMbBetween?: [number, number] } = {};

void readAgentConfig(configFile).then(run);

async function run(config: AgentConfig): Promise<void> {
  const startUp = process.cpuUsage();
  const datasyncs = await countDatasyncs();
  const used = await work(config, startUp);
  const figures: ProcessFigures = {
    cpuSeconds: (used.user + used.system) / 1e6,
    startUpCpuSeconds: (startUp.user + startUp.system) / 1e6,
    residentMb: peakResidentMb(),
    datasyncs: datasyncs(),
    ...followed,
  };
  process.stdout.write(`${JSON.stringify(figures)}\n`);
}

function work(config: AgentConfig, startUp: NodeJS.CpuUsage): Promise<NodeJS.CpuUsage> {
  if (mode === undefined) return drain(config, startUp);
  return mode === "serve" ? serve(config, startUp) : follow(config, Number(mode) * 1_000);
}

async function drain(config: AgentConfig, startUp: NodeJS.CpuUsage): Promise<NodeJS.CpuUsage> {
  await runAgent(config, { signal: new AbortController().signal, log, untilDrained: true });
  return process.cpuUsage(startUp);
}

async function follow(config: AgentConfig, ms: number): Promise<NodeJS.CpuUsage> {
  const stop = new AbortController();
  const onPhase = (phase: AgentPhase): void => {
    if (phase === "ready") followed.readyMs = performance.now();
  };
  const running = runAgent(config, { signal: stop.signal, log, onPhase });
  await sleep(Number(settleSeconds) * 1_000);
  const before = process.cpuUsage();
  await sleep(Math.min(ms, MINUTE_MS));
  const early = process.memoryUsage.rss() / 1e6;
  await sleep(Math.max(0, ms - MINUTE_MS));
  followed.residentMbBetween = [early, process.memoryUsage.rss() / 1e6];
  const used = process.cpuUsage(before);
  stop.abort();
  await running;
  return used;
}

async function serve(config: AgentConfig, startUp: NodeJS.CpuUsage): Promise<NodeJS.CpuUsage> {
  const stop = new AbortController();
  const running = runAgent(config, { signal: stop.signal, log });
  await once(process.stdin.resume(), "end");
  stop.abort();
  await running;
  return process.cpuUsage(startUp);
}

/** From outside: the agent has no reason to count them. */
async function countDatasyncs(): Promise<() => number> {
  await using file = await open(configFile);
  const prototype = Object.getPrototypeOf(file) as { datasync: () => Promise<void> };
  const { datasync } = prototype;
  let calls = 0;
  prototype.datasync = function (this: unknown) {
    calls++;
    return datasync.call(this);
  };
  return () => calls;
}
