import { createServer, request } from "node:http";
import type { AddressInfo } from "node:net";
import { appendFile, mkdir, mkdtemp, open, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { stringify } from "smol-toml";
import { accessLine } from "./access-log.ts";
import { bundleAgentProcess, startAgent } from "./agent-child.ts";
import { linesOf } from "./child.ts";
import type { ProcessFigures } from "./agent-process.ts";
import { type BenchRow, rounded } from "./cpu-time.ts";
import { Sink } from "./sink.ts";

const LINGER_MS = 100;
const LONG_RUN_SECONDS = 600;

interface Run {
  readonly files: number;
  readonly seconds: number;
  readonly settleSeconds: number;
  /** Writes to the files until the signal. */
  readonly write: (paths: readonly string[], signal: AbortSignal) => Promise<void>;
}

/** What many files cost, and how soon a line is on its way. */
export async function benchTail(isLong = false): Promise<BenchRow[]> {
  const directory = await mkdtemp(join(tmpdir(), "weir-bench-"));
  try {
    await bundleAgentProcess(directory);
    const rows = [
      followed("1,000 files, 10 lines/s each", await follow(directory, BUSY)),
      await latencyRow(directory),
    ];
    if (isLong) rows.push(followed("5 MB/s, rotated, 10 min", await follow(directory, LONG)));
    return rows;
  } finally {
    await rm(directory, { recursive: true });
  }
}

const BUSY: Run = {
  files: 1_000,
  seconds: 10,
  settleSeconds: 5,
  write: async (paths, signal) => {
    for (let n = 0; !signal.aborted; n++) {
      const dueMs = performance.now() + 100;
      for (const path of paths) await appendFile(path, accessLine(n));
      await sleep(Math.max(1, dueMs - performance.now()));
    }
  },
};

const LONG: Run = {
  files: 1,
  seconds: LONG_RUN_SECONDS,
  settleSeconds: 2,
  write: async ([path = ""], signal) => {
    for (let megabyte = 0; !signal.aborted; megabyte++) {
      const dueMs = performance.now() + 200;
      if (megabyte % 50 === 49) await rename(path, `${path}.1`);
      await using file = await open(path, "a");
      let text = "";
      for (let n = 0; text.length < 1e6; n++) text += accessLine(megabyte * 10_000 + n);
      await file.write(text);
      await sleep(Math.max(1, dueMs - performance.now()));
    }
  },
};

async function follow(directory: string, run: Run): Promise<ProcessFigures> {
  await using sink = await Sink.start();
  const { config, paths } = await prepare(directory, run.files, sink.endpoint);
  const child = startAgent(directory, [config, `${run.seconds}`, `${run.settleSeconds}`]);
  const over = new AbortController();
  const writing = run.write(paths, over.signal);
  const figures = JSON.parse(await linesOf(child)()) as ProcessFigures;
  over.abort();
  await writing;
  return { ...figures, cpuSeconds: figures.cpuSeconds / run.seconds };
}

function followed(name: string, figures: ProcessFigures): BenchRow {
  const [early, late] = figures.residentMbBetween ?? [0, 0];
  return {
    name,
    figures: {
      "CPU %": rounded(100 * figures.cpuSeconds),
      "ready after ms": Math.round(figures.readyMs ?? 0),
      "resident MB after 1 min": Math.round(early),
      "resident MB at the end": Math.round(late),
    },
  };
}

async function prepare(
  directory: string,
  files: number,
  endpoint: string,
): Promise<{ readonly config: string; readonly paths: readonly string[] }> {
  const logs = await mkdtemp(join(directory, "logs-"));
  const paths = Array.from({ length: files }, (_, i) => join(logs, `${i}.log`));
  for (const path of paths) await writeFile(path, accessLine(0));
  const config = join(logs, "agent.toml");
  const state = join(logs, "state");
  await mkdir(state);
  const settings = {
    stream: "null",
    region: "us-east-1",
    endpoint,
    state_dir: state,
    files: [{ tag: "access", path: join(logs, "*.log") }],
    producer: { rate_limit_percent: 10_000, linger_ms: LINGER_MS },
    heartbeat: { enabled: false },
  };
  await writeFile(config, stringify(settings));
  return { config, paths };
}

/** Each line goes to the file that was idle the longest, and so is not looked at often. */
async function latencyRow(directory: string): Promise<BenchRow> {
  const FILES = 20;
  const LINES = 40;
  const EVERY_MS = 200;
  await using sink = await Sink.start();
  const arrivals: number[] = [];
  await using proxy = await Proxy.start(sink.endpoint, () => arrivals.push(performance.now()));
  const { config, paths } = await prepare(directory, FILES, proxy.endpoint);
  const child = startAgent(directory, [config, `${LONG_RUN_SECONDS}`]);
  await sleep(7_000);
  const delays: number[] = [];
  for (let n = 0; n < LINES; n++) {
    arrivals.length = 0;
    await appendFile(paths[n % FILES]!, accessLine(n));
    const writtenAt = performance.now();
    while (arrivals.length === 0) await sleep(1);
    delays.push(arrivals[0]! - writtenAt);
    await sleep(EVERY_MS);
  }
  const sorted = delays.sort((a, b) => a - b);
  child.kill();
  return {
    name: `a line to an idle file, linger ${LINGER_MS} ms`,
    figures: {
      "write to PutRecords, median ms": rounded(sorted[Math.floor(LINES / 2)]!),
      "p99 ms": rounded(sorted[Math.floor(LINES * 0.99)]!),
    },
  };
}

/** Notes when records come by. */
class Proxy implements AsyncDisposable {
  readonly endpoint: string;
  readonly #close: () => void;

  static async start(target: string, onPut: () => void): Promise<Proxy> {
    const server = createServer((incoming, response) => {
      if (String(incoming.headers["x-amz-target"]).endsWith(".PutRecords")) onPut();
      const { method, headers } = incoming;
      const forward = request(target, { method: method ?? "POST", headers }, (answer) => {
        response.writeHead(answer.statusCode ?? 500, answer.headers);
        answer.pipe(response);
      });
      incoming.pipe(forward);
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as AddressInfo;
    return new Proxy(port, () => {
      server.close();
      server.closeAllConnections();
    });
  }

  private constructor(port: number, close: () => void) {
    this.endpoint = `http://127.0.0.1:${port}`;
    this.#close = close;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#close();
  }
}

if (import.meta.main) {
  const rows = await benchTail(process.argv.includes("--all"));
  console.table(Object.fromEntries(rows.map(({ name, figures }) => [name, figures])));
}
