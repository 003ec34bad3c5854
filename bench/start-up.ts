import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { stringify } from "smol-toml";
import { bundleAgent } from "../packaging/bundle.ts";
import { makeExecutable } from "../packaging/executable.ts";
import type { BenchRow } from "./cpu-time.ts";
import { ProcessCost } from "./process-cost.ts";

const ROUNDS = 9;
const HERE = `${process.platform}-${process.arch}`;

/**
 * From the start of the process to its second request to Kinesis, which lists the shards: what comes next
 * is lines. Medians; the programs take turns.
 */
export async function benchStartUp(): Promise<BenchRow[]> {
  const directory = await mkdtemp(join(tmpdir(), "weir-start-up-"));
  try {
    const [bundle, executable] = [join(directory, "weir-agent.cjs"), join(directory, "weir-agent")];
    await bundleAgent(bundle);
    makeExecutable(bundle, process.execPath, HERE, executable);
    const programs: Record<string, string[]> = {
      "from its sources": [process.execPath, join(import.meta.dirname, "../bin/weir.ts"), "agent"],
      "as one script": [process.execPath, bundle],
      "as one executable": [executable],
    };
    const measured = new Map<string, StartUp[]>(Object.keys(programs).map((name) => [name, []]));
    for (let round = 0; round < ROUNDS; round++) {
      for (const [name, program] of Object.entries(programs)) {
        measured.get(name)!.push(await startUp(join(directory, `${round}-${name}`), program));
      }
    }
    return Array.from(measured, ([name, starts]) => ({ name, figures: figuresOf(starts) }));
  } finally {
    await rm(directory, { recursive: true });
  }
}

interface StartUp {
  readonly wallMs: number;
  readonly cpuMs: number;
  readonly residentMb: number;
}

async function startUp(directory: string, [command = "", ...args]: readonly string[]): Promise<StartUp> {
  await mkdir(directory);
  let requests = 0;
  let ready: (value: StartUp) => void = () => {};
  const started = new Promise<StartUp>((resolve) => (ready = resolve));
  const server = createServer((request, response) => {
    if (++requests === 2) ready(figures(performance.now()));
    const isList = String(request.headers["x-amz-target"]).endsWith("ListShards");
    response.writeHead(200, { "content-type": "application/x-amz-json-1.1" });
    response.end(JSON.stringify(isList ? SHARDS : SUMMARY));
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const config = join(directory, "agent.toml");
  await writeFile(config, stringify(settings(directory, endpoint)));
  const startedAt = performance.now();
  const child = spawn(command, [...args, "run", "--config", config], {
    env: { ...process.env, AWS_ACCESS_KEY_ID: "test", AWS_SECRET_ACCESS_KEY: "test" },
    stdio: "ignore",
  });
  const figures = (now: number): StartUp => ({
    wallMs: now - startedAt,
    ...used(child.pid!),
  });
  try {
    return await started;
  } finally {
    child.kill("SIGKILL");
    await once(child, "close");
    server.close();
    server.closeAllConnections();
  }
}

function used(pid: number): Omit<StartUp, "wallMs"> {
  const cost = new ProcessCost(pid);
  cost.read();
  return { cpuMs: cost.cpuSeconds * 1_000, residentMb: cost.peakResidentMb };
}

function settings(directory: string, endpoint: string): object {
  return {
    stream: "test",
    region: "us-east-1",
    endpoint,
    state_dir: join(directory, "state"),
    files: [{ tag: "access", path: join(directory, "*.log") }],
  };
}

const SUMMARY = { StreamDescriptionSummary: { StreamName: "test", StreamStatus: "ACTIVE" } };
const SHARDS = {
  Shards: [
    {
      ShardId: "shardId-000000000000",
      HashKeyRange: { StartingHashKey: "0", EndingHashKey: `${2n ** 128n - 1n}` },
      SequenceNumberRange: { StartingSequenceNumber: "1" },
    },
  ],
};

function figuresOf(starts: readonly StartUp[]): BenchRow["figures"] {
  const median = (of: (start: StartUp) => number) =>
    Math.round(starts.map(of).sort((a, b) => a - b)[Math.floor(starts.length / 2)]!);
  return {
    "CPU ms": median(({ cpuMs }) => cpuMs),
    "wall ms": median(({ wallMs }) => wallMs),
    "resident MB": median(({ residentMb }) => residentMb),
  };
}
