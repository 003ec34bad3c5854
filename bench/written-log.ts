import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type Commit, noLines } from "../wire/commit.ts";
import { batchName, commitKey, dataKey, segmentKey } from "../wire/keys.ts";
import { entryLine } from "../wire/segment-entry.ts";
import { headKeys, keyDigest, SegmentEncoder } from "../wire/segment.ts";

const SEGMENT_COMMITS = 1_000;
const SOURCES = 400;
const RANGE_BYTES = 20_000;
const SHARDS = 231;

/** Writes the log of a fleet into a folder. @param churn whether each commit has sources of its own */
async function writeLog(folder: string, commits: number, churn: boolean): Promise<void> {
  for (let segment = 1; (segment - 1) * SEGMENT_COMMITS < commits; segment++) {
    const encoder = new SegmentEncoder();
    const digests: string[] = [];
    let bytes = 0;
    for (let i = 0; i < SEGMENT_COMMITS; i++) {
      const n = (segment - 1) * SEGMENT_COMMITS + i;
      const { key, commit } = commitOf(n, churn);
      const line = entryLine(key, Buffer.from(JSON.stringify(commit)));
      await encoder.write(line);
      bytes += line.length;
      digests.push(keyDigest(key));
    }
    const at = minuteOf(segment * SEGMENT_COMMITS).toISOString();
    const body = await encoder.end({
      version: 1,
      segment,
      found: "listing",
      commits: SEGMENT_COMMITS,
      opaque: 0,
      bytes,
      sequencedAt: at,
      coveredTo: "",
      listedTo: "",
      sweptTo: "",
      sweepBefore: 0,
      oldest: at,
      newest: at,
      types: ["access"],
      keys: headKeys(digests),
    });
    await writeFile(join(folder, segmentKey(segment).replace("log/", "")), body);
  }
}

/** 231 shards, each of which brings a commit with 400 sources now and then. */
function commitOf(n: number, churn: boolean): { key: string; commit: Commit } {
  const [shard, turn] = [n % SHARDS, Math.floor(n / SHARDS)];
  const first = 10n ** 55n + BigInt(n) * 1_000n;
  const id = {
    origin: `shardId-${String(shard).padStart(12, "0")}`,
    firstSequenceNumber: `${first}`,
    lastSequenceNumber: `${first + 999n}`,
  };
  const digest = (n * 2_654_435_761).toString(16).padStart(16, "0").slice(-16);
  const at = minuteOf(n);
  const instant = at.toISOString();
  const rows = SOURCES * 100;
  return {
    key: commitKey(at, id, digest),
    commit: {
      version: 2,
      batchId: batchName(id),
      ...id,
      config: "0123456789ab",
      arrivedFrom: instant,
      arrivedTo: instant,
      records: 6,
      userRecords: rows,
      quarantined: 0,
      bytes: 4_000_000,
      objects: [
        {
          kind: "data",
          type: "access",
          key: dataKey("access", at, id, digest, "zstd"),
          bytes: 400_000,
          rows,
        },
      ],
      sources: Array.from({ length: SOURCES }, (_, i) => {
        const source = (churn ? n : shard) * SOURCES + i;
        const host = `ip-10-${source % 7}-${source % 251}-${source % 241}.eu-west-1.compute.internal`;
        const from = churn ? 0 : turn * RANGE_BYTES;
        return {
          id: Buffer.from(`${source}`.padStart(9, "s")).toString("base64url"),
          host,
          path: `/var/log/service-${i}/access.log`,
          ranges: [[from, from + RANGE_BYTES]],
          gaps: [],
          types: ["access"],
          conflicts: 0,
        };
      }),
      types: { access: { ...noLines(), lines: rows, rows, bytes: SOURCES * RANGE_BYTES } },
    },
  };
}

const minuteOf = (n: number): Date => new Date(Date.UTC(2026, 10, 21) + Math.floor(n / 4_000) * 60_000);

const [folder, commits, churn] = process.argv.slice(2);
await writeLog(folder!, Number(commits), churn === "true");
console.log("written");
