import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, open, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { pino } from "pino";
import { stringify } from "smol-toml";
import { runAgent } from "../agent/run-agent.ts";
import { readAgentConfig } from "../agent/read-config.ts";
import type { BenchRow } from "./cpu-time.ts";

const INPUT_BYTES = 256 * 10 ** 6;
const GB = 10 ** 9;

interface AgentFigures {
  /** From loaded code to the last acknowledgement. */
  readonly cpuSeconds: number;
  /** Before that, once in an agent's life. */
  readonly startUpCpuSeconds: number;
  readonly residentMb: number;
}

interface SinkFigures {
  readonly requests: number;
  readonly records: number;
  /** Of the request bodies, base64 included. */
  readonly bytes: number;
}

/** What the agent costs for a gigabyte of 200-byte lines, against a Kinesis that costs nothing. */
export async function benchAgent(): Promise<BenchRow[]> {
  const directory = await mkdtemp(join(tmpdir(), "weir-bench-"));
  try {
    const input = join(directory, "access.log");
    const bytes = await writeInput(input);
    const rows: BenchRow[] = [];
    for (const compression of ["none", "zstd"])
      rows.push(await measure(directory, input, bytes, compression));
    return rows;
  } finally {
    await rm(directory, { recursive: true });
  }
}

async function measure(
  directory: string,
  input: string,
  bytes: number,
  compression: string,
): Promise<BenchRow> {
  const sink = script("null-kinesis.ts", []);
  const lines = linesOf(sink);
  const config = join(directory, `${compression}.toml`);
  await writeFile(
    config,
    stringify({
      stream: "null",
      region: "us-east-1",
      endpoint: `http://127.0.0.1:${await lines()}`,
      state_dir: join(directory, compression),
      files: [{ tag: "access", path: input }],
      producer: { compression },
    }),
  );
  const startedAt = performance.now();
  const agent = script("agent.ts", ["--child", config]);
  const figures = JSON.parse(await linesOf(agent)()) as AgentFigures;
  const seconds = (performance.now() - startedAt) / 1_000;
  sink.stdin!.end();
  const sent = JSON.parse(await lines()) as SinkFigures;
  const gigabytes = bytes / GB;
  return {
    name: `agent, compression ${compression}`,
    figures: {
      "CPU s/GB": round(figures.cpuSeconds / gigabytes),
      "MB/s per core": Math.round(bytes / 1e6 / figures.cpuSeconds),
      "start-up CPU s": round(figures.startUpCpuSeconds),
      "wall s/GB": round(seconds / gigabytes),
      "resident MB": Math.round(figures.residentMb),
      "wire MB/GB": Math.round(sent.bytes / 1e6 / gigabytes),
      "records/GB": Math.round(sent.records / gigabytes),
      "requests/GB": Math.round(sent.requests / gigabytes),
    },
  };
}

/** Lines of the combined log format that differ in what differs in real ones. */
async function writeInput(path: string): Promise<number> {
  await using file = await open(path, "w");
  let bytes = 0;
  for (let n = 0; bytes < INPUT_BYTES;) {
    let block = "";
    for (let i = 0; i < 5_000; i++) block += accessLine(n++);
    bytes += (await file.write(block)).bytesWritten;
  }
  return bytes;
}

function accessLine(n: number): string {
  const time = new Date(1_700_000_000_000 + n * 7).toISOString();
  const address = `10.${(n * 7) % 256}.${(n * 13) % 256}.${(n * 31) % 256}`;
  const request = `GET /photos/${(n * 2_654_435_761) % 1_000_003}/view?size=${n % 5} HTTP/1.1`;
  const agent = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0";
  return `${address} - - [${time}] "${request}" 200 ${(n * 7_919) % 100_000} "https://example.com/" "${agent}"\n`;
}

function script(name: string, args: readonly string[]): ChildProcess {
  const environment = { AWS_ACCESS_KEY_ID: "bench", AWS_SECRET_ACCESS_KEY: "bench" };
  return spawn(process.execPath, [join(import.meta.dirname, name), ...args], {
    stdio: ["pipe", "pipe", "inherit"],
    env: { ...process.env, ...environment },
  });
}

/** The next line that the process prints, at each call. */
function linesOf(child: ChildProcess): () => Promise<string> {
  const lines = createInterface({ input: child.stdout! })[Symbol.asyncIterator]();
  return async () => {
    const { value, done } = await lines.next();
    if (done)
      throw new Error(`${child.spawnargs[1]} ended with ${child.exitCode ?? (await once(child, "exit"))[0]}`);
    return value;
  };
}

/** The agent, in a process of its own so that its CPU time is its own. */
async function runChild(configFile: string): Promise<void> {
  const config = await readAgentConfig(configFile);
  const log = pino({ level: "warn" }, pino.destination(2));
  const startUp = process.cpuUsage();
  await runAgent(config, { signal: new AbortController().signal, log, untilDrained: true });
  const { user, system } = process.cpuUsage(startUp);
  const figures: AgentFigures = {
    cpuSeconds: (user + system) / 1e6,
    startUpCpuSeconds: (startUp.user + startUp.system) / 1e6,
    residentMb: process.resourceUsage().maxRSS / 1_000,
  };
  process.stdout.write(`${JSON.stringify(figures)}\n`);
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}

if (import.meta.main) {
  const [flag, configFile] = process.argv.slice(2);
  if (flag === "--child" && configFile !== undefined) await runChild(configFile);
  else console.table(Object.fromEntries((await benchAgent()).map(({ name, figures }) => [name, figures])));
}
