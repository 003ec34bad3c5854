import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { stringify } from "smol-toml";
import { bundleAgentProcess, startAgent } from "./agent-child.ts";
import { linesOf, script } from "./child.ts";
import type { ProcessFigures } from "./agent-process.ts";
import { type BenchRow, rounded } from "./cpu-time.ts";
import type { ClientFigures } from "./forward-client.ts";
import { Sink } from "./sink.ts";

const INPUT_MB = 256;

/**
 * What the agent costs for a gigabyte of lines that are sent to it by the forward protocol: stored,
 * synced, acknowledged, read again and put. Bytes are those of the JSON lines that the records become.
 */
export async function benchPushed(): Promise<BenchRow[]> {
  const directory = await mkdtemp(join(tmpdir(), "weir-bench-"));
  try {
    await bundleAgentProcess(directory);
    const rows: BenchRow[] = [];
    for (const sync of ["ack", "deliver"] as const) rows.push(await pushedRow(directory, sync));
    return rows;
  } finally {
    await rm(directory, { recursive: true });
  }
}

async function pushedRow(directory: string, sync: "ack" | "deliver"): Promise<BenchRow> {
  await using sink = await Sink.start();
  const socket = join(directory, `${sync}.sock`);
  const config = join(directory, `${sync}.toml`);
  const settings = {
    stream: "null",
    region: "us-east-1",
    endpoint: sink.endpoint,
    state_dir: join(directory, `state-${sync}`),
    forward: { unix_path: socket },
    spool: { sync },
    // The stream has four shards, and is not what is measured.
    producer: { rate_limit_percent: 10_000 },
  };
  await writeFile(config, stringify(settings));
  const agent = startAgent(directory, [config, "serve"]);
  const client = script([join(import.meta.dirname, "forward-client.ts"), socket, `${INPUT_MB}`]);
  const { bytes, seconds } = JSON.parse(await linesOf(client)()) as ClientFigures;
  agent.stdin!.end();
  const { cpuSeconds, residentMb, datasyncs } = JSON.parse(await linesOf(agent)()) as ProcessFigures;
  const gigabytes = bytes / 1e9;
  return {
    name: `agent, forward with acknowledgements, sync = "${sync}"`,
    figures: {
      "CPU s/GB": rounded(cpuSeconds / gigabytes),
      "MB/s per core": Math.round(bytes / 1e6 / cpuSeconds),
      "wall s/GB": rounded(seconds / gigabytes),
      "resident MB": Math.round(residentMb),
      "datasyncs/s": Math.round(datasyncs / seconds),
    },
  };
}

if (import.meta.main) {
  console.table(Object.fromEntries((await benchPushed()).map(({ name, figures }) => [name, figures])));
}
