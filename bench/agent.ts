import { type ChildProcess, execFileSync } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, open, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { build } from "esbuild";
import { stringify } from "smol-toml";
import type { ProcessFigures } from "./agent-process.ts";
import { bundleAgentProcess, startAgent } from "./agent-child.ts";
import { linesOf, script } from "./child.ts";
import type { BenchRow } from "./cpu-time.ts";

const INPUT_BYTES = 256 * 10 ** 6;
const GB = 10 ** 9;
const FOLLOW_SECONDS = 10;
const PLAIN_PROGRAM = "plain-process.mjs";

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

interface SinkFigures {
  readonly requests: number;
  readonly records: number;
  /** Of the request bodies, base64 included. */
  readonly bytes: number;
}

/**
 * What the agent costs for a gigabyte of 200-byte lines and beside a file that grows, against a Kinesis
 * that costs nothing; before it, a plain program for the first of both. Each in a process of its own,
 * bundled and started as in a deployment. With `--all` files grow at every rate.
 */
export async function benchAgent(): Promise<BenchRow[]> {
  const rates = process.argv.includes("--all") ? ALL_RATES : FEW_RATES;
  const directory = await mkdtemp(join(tmpdir(), "weir-bench-"));
  try {
    await bundleAgentProcess(directory);
    await bundlePlainProcess(directory);
    const input = join(directory, "access.log");
    const bytes = await writeInput(input);
    const plain = (endpoint: string) => script([join(directory, PLAIN_PROGRAM), input, endpoint]);
    const rows = [await drainRow("aws-kinesis-agg and the SDK's client", bytes, plain)];
    const certificate = makeCertificate(directory);
    for (const { name, ...how } of WAYS) {
      if (how.isTls && certificate === undefined) continue;
      const trusted = how.isTls ? certificate : undefined;
      const agent = async (endpoint: string) =>
        startAgent(directory, [await writeConfig(endpoint, { path: input, ...how })], trust(trusted));
      rows.push(await drainRow(name, bytes, agent, trusted));
    }
    for (const [megabytes, writes] of rates) rows.push(await followRow(directory, megabytes, writes));
    return rows;
  } finally {
    await rm(directory, { recursive: true });
  }
}

async function bundlePlainProcess(directory: string): Promise<void> {
  await build({
    entryPoints: [join(import.meta.dirname, "plain-process.ts")],
    outfile: join(directory, PLAIN_PROGRAM),
    bundle: true,
    minifySyntax: true,
    minifyWhitespace: true,
    platform: "node",
    format: "esm",
    banner: {
      js: 'import { createRequire as makeRequire } from "node:module"; const require = makeRequire(import.meta.url);',
    },
  });
  // aws-kinesis-agg cannot be bundled.
  await symlink(new URL("../node_modules", import.meta.url), join(directory, "node_modules"));
}

interface Follow {
  readonly path: string;
  readonly compression: "none" | "zstd";
  readonly wire: "json" | "cbor";
}

const WAYS = [
  { name: "agent", compression: "none", wire: "json", isTls: false },
  { name: "agent, TLS", compression: "none", wire: "json", isTls: true },
  { name: "agent, CBOR", compression: "none", wire: "cbor", isTls: false },
  { name: "agent, zstd", compression: "zstd", wire: "json", isTls: false },
] as const;

interface Certificate {
  readonly keyFile: string;
  readonly certificateFile: string;
}

/** @returns undefined where there is no openssl */
function makeCertificate(directory: string): Certificate | undefined {
  const keyFile = join(directory, "key.pem");
  const certificateFile = join(directory, "certificate.pem");
  const files = ["-keyout", keyFile, "-out", certificateFile];
  const names = ["-subj", "/CN=null", "-addext", "subjectAltName=IP:127.0.0.1"];
  const kind = ["-x509", "-nodes", "-days", "1", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"];
  try {
    execFileSync("openssl", ["req", ...kind, ...names, ...files], { stdio: "pipe" });
    return { keyFile, certificateFile };
  } catch (error) {
    console.error(`TLS is not measured: no certificate could be made (${(error as Error).message})`);
    return undefined;
  }
}

function trust(certificate: Certificate | undefined): Readonly<Record<string, string>> {
  return certificate === undefined ? {} : { NODE_EXTRA_CA_CERTS: certificate.certificateFile };
}

async function drainRow(
  name: string,
  bytes: number,
  start: (endpoint: string) => ChildProcess | Promise<ChildProcess>,
  certificate?: Certificate,
): Promise<BenchRow> {
  await using sink = await Sink.start(certificate);
  const startedAt = performance.now();
  const child = await start(sink.endpoint);
  const figures = JSON.parse(await linesOf(child)()) as ProcessFigures;
  const seconds = (performance.now() - startedAt) / 1_000;
  const sent = await sink.figures();
  const gigabytes = bytes / GB;
  return {
    name,
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

async function followRow(directory: string, megabytes: number, writes: number): Promise<BenchRow> {
  await using sink = await Sink.start();
  const path = join(directory, `${megabytes}-${writes}.log`);
  const config = await writeConfig(sink.endpoint, { path, compression: "none", wire: "json" });
  const child = startAgent(directory, [config, `${FOLLOW_SECONDS}`]);
  const over = new AbortController();
  const growing = grow(path, (megabytes * 1e6) / writes, writes, over.signal);
  const figures = JSON.parse(await linesOf(child)()) as ProcessFigures;
  over.abort();
  await growing;
  return {
    name: `agent, ${megabytes} MB/s in ${writes} writes/s`,
    figures: {
      "CPU %": round((100 * figures.cpuSeconds) / FOLLOW_SECONDS),
      "start-up CPU s": round(figures.startUpCpuSeconds),
      "resident MB": Math.round(figures.residentMb),
    },
  };
}

/** Makes up for writes that came late. */
async function grow(
  path: string,
  bytes: number,
  writesPerSecond: number,
  signal: AbortSignal,
): Promise<void> {
  await using file = await open(path, "a");
  const startedAt = performance.now();
  for (let n = 0, line = 0; !signal.aborted; n++) {
    let text = "";
    while (text.length < bytes) text += accessLine(line++);
    await file.write(text);
    const dueMs = ((n + 1) * 1_000) / writesPerSecond - (performance.now() - startedAt);
    if (dueMs > 0) await sleep(dueMs, undefined, { signal }).catch(() => {});
  }
}

async function writeConfig(endpoint: string, { path, compression, wire }: Follow): Promise<string> {
  const name = `${path}-${compression}-${wire}-${new URL(endpoint).port}`;
  const config = `${name}.toml`;
  const settings = {
    stream: "null",
    region: "us-east-1",
    endpoint,
    state_dir: `${name}.state`,
    files: [{ tag: "access", path }],
    // The stream has four shards, and is not what is measured.
    producer: { compression, wire, rate_limit_percent: 10_000 },
  };
  await writeFile(config, stringify(settings));
  return config;
}

/** A Kinesis that takes everything, in a process of its own. */
export class Sink implements AsyncDisposable {
  readonly endpoint: string;
  readonly #process: ChildProcess;
  readonly #lines: () => Promise<string>;

  static async start(certificate?: Certificate): Promise<Sink> {
    const files = certificate === undefined ? [] : [certificate.keyFile, certificate.certificateFile];
    const child = script([join(import.meta.dirname, "null-kinesis.ts"), ...files]);
    const lines = linesOf(child);
    const scheme = certificate === undefined ? "http" : "https";
    return new Sink(child, lines, `${scheme}://127.0.0.1:${await lines()}`);
  }

  private constructor(child: ChildProcess, lines: () => Promise<string>, endpoint: string) {
    this.#process = child;
    this.#lines = lines;
    this.endpoint = endpoint;
  }

  async figures(): Promise<SinkFigures> {
    this.#process.stdin!.end();
    return JSON.parse(await this.#lines()) as SinkFigures;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#process.stdin!.end();
    if (this.#process.exitCode === null) await once(this.#process, "exit");
  }
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

export function accessLine(n: number): string {
  const time = new Date(1_700_000_000_000 + n * 7).toISOString();
  const address = `10.${(n * 7) % 256}.${(n * 13) % 256}.${(n * 31) % 256}`;
  const request = `GET /photos/${(n * 2_654_435_761) % 1_000_003}/view?size=${n % 5} HTTP/1.1`;
  const agent = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0";
  return `${address} - - [${time}] "${request}" 200 ${(n * 7_919) % 100_000} "https://example.com/" "${agent}"\n`;
}

export function round(value: number): number {
  return Math.round(value * 100) / 100;
}

if (import.meta.main) {
  const rows = await benchAgent();
  console.table(Object.fromEntries(rows.map(({ name, figures }) => [name, figures])));
}
