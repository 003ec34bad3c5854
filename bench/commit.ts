import { type Commit, noLines, parseCommit } from "../wire/commit.ts";
import { batchName, commitKey, dataKey, objectDigest } from "../wire/keys.ts";
import { cpuSecondsPerGb, rounded, type BenchRow } from "./cpu-time.ts";

/** Sources in the commits of a large fleet: 1,200 hosts, whose logs come in batches over three shards. */
const SOURCES = 400;
const ROUNDS = 21;
/** Commits read in a round, since one takes less than a garbage collection. */
const COMMITS = 20;

/** Reading the text of a commit: JSON.parse alone, and parseCommit, which checks each field too. */
export function benchCommit(): BenchRow[] {
  return [1, 10].flatMap((ranges) => {
    const { key, text } = commitText(ranges);
    const works: [name: string, work: () => void][] = [
      ["JSON.parse", () => JSON.parse(text)],
      ["wire/commit.ts", () => parseCommit(text, key)],
    ];
    const seconds = cpuSecondsPerGb(
      COMMITS * text.length,
      ROUNDS,
      works.map(([, work]) => () => {
        for (let i = 0; i < COMMITS; i++) work();
      }),
    );
    return works.map(([name], i) => ({
      name: `${SOURCES} sources of ${ranges === 1 ? "one range" : `${ranges} ranges`}: ${name}`,
      figures: { KB: rounded(text.length / 1_000), "CPU ms": rounded(seconds[i]! * (text.length / 1e6)) },
    }));
  });
}

function commitText(ranges: number): { key: string; text: string } {
  const sequenceNumber = "49".padEnd(56, "0");
  const batch = {
    origin: "shardId-000000000000",
    firstSequenceNumber: sequenceNumber,
    lastSequenceNumber: sequenceNumber,
  };
  const at = new Date("2026-11-21T10:00:00.250Z");
  const types = ["access", "photo", "user"];
  const instant = at.toISOString();
  const commit: Commit = {
    version: 2,
    batchId: batchName(batch),
    ...batch,
    config: "0123456789ab",
    arrivedFrom: instant,
    arrivedTo: instant,
    records: 400,
    userRecords: 40_000,
    quarantined: 0,
    bytes: 4_000_000,
    objects: types.map((type) => {
      const key = dataKey(type, at, batch, objectDigest(Buffer.from(type)), "zstd");
      return { kind: "data", type, key, bytes: 400_000, rows: 13_000, from: instant, to: instant };
    }),
    sources: Array.from({ length: SOURCES }, (_, i) => ({
      id: `c291cmNl${`${i}`.padStart(4, "0")}`,
      host: `web-${i % 200}.example.com`,
      path: `/var/log/app/${types[i % types.length]!}.log`,
      ranges: Array.from({ length: ranges }, (_, j) => [1e6 * i + 2e4 * j, 1e6 * i + 2e4 * j + 1e4]),
      gaps: [],
      types: [types[i % types.length]!],
      conflicts: 0,
    })),
    types: Object.fromEntries(types.map((type) => [type, noLines()])),
  };
  const text = JSON.stringify(commit);
  return { key: commitKey(at, batch, objectDigest(Buffer.from(text))), text };
}
