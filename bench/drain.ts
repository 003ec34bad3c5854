import { mkdtemp, open, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { stringify } from "smol-toml";
import { bundleAgentProcess, startAgent } from "./agent-child.ts";
import type { ProcessFigures } from "./agent-process.ts";
import { linesOf, script } from "./child.ts";
import type { LimitedFigures } from "./limited-kinesis.ts";
import { accessLines } from "./sample-lines.ts";

/**
 * How fast the agent gets rid of a backlog, where what the shards take is all that holds it up.
 *
 *     node bench/drain.ts [shards] [aggregate bytes] [bytes of the backlog]
 */
const [shards = "16", aggregateBytes, backlogBytes = 10 ** 9] = process.argv.slice(2);
const BLOCK_BYTES = 8 * 10 ** 6;

const directory = await mkdtemp(join(tmpdir(), "weir-drain-"));
try {
  const config = join(directory, "agent.toml");
  await writeBacklog(join(directory, "access.log"));
  const kinesis = script([join(import.meta.dirname, "limited-kinesis.ts"), shards]);
  const kinesisLines = linesOf(kinesis);
  const settings = {
    stream: "null",
    region: "us-east-1",
    endpoint: `http://127.0.0.1:${await kinesisLines()}`,
    state_dir: join(directory, "state"),
    files: [{ tag: "access", path: join(directory, "access.log") }],
    ...(aggregateBytes === undefined ? {} : { producer: { aggregate_bytes: Number(aggregateBytes) } }),
  };
  await writeFile(config, stringify(settings));
  await bundleAgentProcess(directory);
  const agent = JSON.parse(await linesOf(startAgent(directory, [config]))()) as ProcessFigures;
  kinesis.stdin!.end();
  report(agent, JSON.parse(await kinesisLines()) as LimitedFigures);
} finally {
  await rm(directory, { recursive: true });
}

function report(agent: ProcessFigures, kinesis: LimitedFigures): void {
  const { seconds, bytes, records, throttled, allowedBytes } = kinesis;
  console.table({
    shards: Number(shards),
    seconds: rounded(seconds),
    "MB/s": rounded(bytes / seconds / 1e6),
    "MB/s that the shards allow": rounded(allowedBytes / seconds / 1e6),
    "% of that": rounded((100 * bytes) / allowedBytes),
    "throttled %": rounded((100 * throttled) / (records + throttled)),
    records,
    "CPU s of the agent": rounded(agent.cpuSeconds),
    "resident MB": Math.round(agent.residentMb),
  });
}

/** A block of lines over and over: it is only read. */
async function writeBacklog(path: string): Promise<void> {
  let block = "";
  for (const line of accessLines()) {
    block += `${line}\n`;
    if (block.length >= BLOCK_BYTES) break;
  }
  await using file = await open(path, "w");
  for (let bytes = 0; bytes < Number(backlogBytes);) bytes += (await file.write(block)).bytesWritten;
}

function rounded(value: number): number {
  return Number(value.toPrecision(4));
}
