import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PutObjectCommand, type S3Client } from "@aws-sdk/client-s3";
import { CommitLog } from "../lambdas/commit-log/commit-log.ts";
import { type Cursor, LOG_BEGINNING } from "../lambdas/commit-log/cursor.ts";
import { LogHeads } from "../lambdas/sequencer/log-heads.ts";
import { run } from "../lambdas/sequencer/run.ts";
import { SEQUENCER_LIMITS } from "../lambdas/sequencer/sequencer-parts.ts";
import { commitMinutePrefix } from "../wire/keys.ts";
import { linesOf, script } from "./child.ts";
import { rounded, type BenchRow } from "./cpu-time.ts";
import { MemoryS3 } from "./memory-s3.ts";
import { peakResidentMb } from "./peak-resident.ts";

const COMMITS = Number(process.env["WEIR_BENCH_COMMITS"] ?? 100_000);
const SOURCES = 400;
/** Different bodies: more text than the window of a segment's compression holds, so that it finds no repeats. */
const SAMPLES = 100;
const COMMITS_A_MINUTE = 4_000;
const BUCKET = "lake";

/** What a step took, and the most memory that the process had held by its end. */
interface Measured {
  readonly name: string;
  readonly commits: number;
  readonly seconds: number;
  readonly cpuSeconds: number;
  readonly peakMb: number;
}

/**
 * A backlog of commits, of 400 sources each, put into the log, and the log read: all of it, and past all of it
 * without parsing. S3 is in this process, so what the SDK and the network take is left out; segments are on disk.
 */
export async function benchSequencer(): Promise<BenchRow[]> {
  const child = script([import.meta.filename]);
  const next = linesOf(child);
  const rows: BenchRow[] = [];
  for (let i = 0; i < 4; i++) {
    const { name, commits, seconds, cpuSeconds, peakMb } = JSON.parse(await next()) as Measured;
    const figures = {
      seconds: rounded(seconds),
      "CPU s": rounded(cpuSeconds),
      "commits/s": Math.round(commits / seconds),
      "peak MB": Math.round(peakMb),
    };
    rows.push({ name, figures });
  }
  return rows;
}

async function main(): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), "weir-sequencer-"));
  try {
    const memory = new MemoryS3();
    const now = new Date("2026-11-21T10:00:00Z");
    memory.now = () => now;
    putCommits(memory, now);
    const s3 = onDisk(memory, directory);
    const heads = new LogHeads(s3, BUCKET);
    const sequence = async (heads: LogHeads): Promise<void> => {
      const parts = { s3, bucket: BUCKET, heads, limits: SEQUENCER_LIMITS, log: console, now: () => now };
      const until = new Date(now.getTime() + 1);
      await run({ ...parts, until, sweepUntil: until });
    };
    await measure("no commits: what the process takes", 0, async () => {});
    await measure(`sequenced, ${SOURCES} sources each`, COMMITS, () => sequence(heads));
    const log = new CommitLog(s3, BUCKET);
    await measure("read and parsed", COMMITS, async () => {
      let commits = 0;
      for await (const entry of log.read(LOG_BEGINNING)) commits += "commit" in entry ? 1 : 0;
      if (commits !== COMMITS) throw new Error(`${commits} commits in the log of ${COMMITS}`);
    });
    await measure("passed over, none parsed", COMMITS, async () => {
      let end: Cursor = LOG_BEGINNING;
      for await (const { next } of log.select(LOG_BEGINNING, { key: () => false })) end = next;
      if (end.index !== 0) throw new Error("the log ends within a segment");
    });
  } finally {
    rmSync(directory, { recursive: true });
  }
}

async function measure(name: string, commits: number, work: () => Promise<void>): Promise<void> {
  const [startedAt, cpu] = [performance.now(), process.cpuUsage()];
  await work();
  const { user, system } = process.cpuUsage(cpu);
  const seconds = (performance.now() - startedAt) / 1_000;
  const measured: Measured = {
    name,
    commits,
    seconds,
    cpuSeconds: (user + system) / 1e6,
    peakMb: peakResidentMb(),
  };
  console.log(JSON.stringify(measured));
}

/** Commits of the minutes before `now`; their bodies are made when they are read. */
function putCommits(memory: MemoryS3, now: Date): void {
  const samples = Array.from({ length: SAMPLES }, (_, n) => body(n));
  const bytes = samples[0]!.length;
  for (let n = 0; n < COMMITS; n++) {
    const minutesAgo = Math.floor((COMMITS - 1 - n) / COMMITS_A_MINUTE);
    const prefix = commitMinutePrefix(new Date(now.getTime() - minutesAgo * 60_000));
    const shard = String(n % 400).padStart(12, "0");
    const first = `4962514000${String(n).padStart(46, "0")}`;
    const key = `${prefix}shardId-${shard}-${first}-${first}.json`;
    memory.putMade(key, bytes, () => Buffer.from(samples[n % SAMPLES]!));
  }
}

/** A router's commit of a batch with lines of many hosts. */
function body(n: number): Buffer {
  const at = "2026-11-21T09:59:00.000Z";
  const first = `4962514000${String(n).padStart(46, "0")}`;
  const offset = 1e9 + 5_003 * n;
  const sources = Array.from({ length: SOURCES }, (_, i) => ({
    id: `c291cmNl${String((i * 7_919) % 10_000).padStart(4, "0")}`,
    host: `web-${String(i).padStart(3, "0")}`,
    path: "/var/log/app/log",
    ranges: [[offset + 917 * i, offset + 917 * i + 4_096 + ((7 * n + i * i) % 901)]],
    gaps: [],
    types: ["access"],
  }));
  const key = `data/type=access/dt=2026-11-21/hr=09/shardId-${n % 400}-${first}-${first}.ndjson.zst`;
  const counts = {
    lines: 9_000,
    bytes: 2e6,
    rows: 9_000,
    rejected: 0,
    filtered: 0,
    duplicates: 0,
    foreignRows: 0,
  };
  return Buffer.from(
    JSON.stringify({
      version: 1,
      batchId: `shardId-000000000000-${first}-${first}`,
      shardId: "shardId-000000000000",
      firstSequenceNumber: first,
      lastSequenceNumber: first,
      arrivedFrom: at,
      arrivedTo: at,
      records: 400,
      userRecords: 9_000,
      bytes: 2_000_000,
      objects: [{ kind: "data", type: "access", key, bytes: 300_000, rows: 9_000, from: at, to: at }],
      sources,
      types: { access: counts },
    }),
  );
}

/** The bucket, with what is put in files: so that the process' memory is the sequencer's. */
function onDisk(memory: MemoryS3, directory: string): S3Client {
  const client = memory.client();
  const send = async (command: Parameters<S3Client["send"]>[0]): Promise<unknown> => {
    const answer: unknown = await client.send(command);
    if (!(command instanceof PutObjectCommand)) return answer;
    const { Key, Body } = command.input;
    const file = join(directory, Key!.replaceAll("/", "-"));
    writeFileSync(file, Body as Buffer);
    memory.putMade(Key!, (Body as Buffer).length, () => readFileSync(file));
    return answer;
  };
  return { send } as unknown as S3Client;
}

if (import.meta.main) await main();
