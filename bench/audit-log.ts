import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type Commit, noLines } from "../wire/commit.ts";
import { batchName, commitKey, dataKey, segmentKey } from "../wire/keys.ts";
import { entryLine } from "../wire/segment-entry.ts";
import { headKeys, keyDigest, SegmentEncoder } from "../wire/segment.ts";

const SEGMENT_COMMITS = 1_000;
const SHARDS = 64;
const HOSTS = 2_000;
const FILES = 3;
const TYPES = ["access", "photo", "user"] as const;
const RANGE_BYTES = 20_000;
const LINE_BYTES = 200;
/** A commit of each shard every four seconds. */
const COMMITS_A_MINUTE = SHARDS * 15;
const BEGAN_MS = Date.UTC(2026, 10, 1);

/**
 * Writes the log of a fleet into a folder: hosts of three files each, whose aggregates go to one shard after the other.
 *
 * @param sources in each commit
 * @param turns so often something of a file comes before it is rotated and another source goes on; 0: for ever
 */
async function writeLog(folder: string, commits: number, sources: number, turns: number): Promise<void> {
  for (let segment = 1; (segment - 1) * SEGMENT_COMMITS < commits; segment++) {
    const encoder = new SegmentEncoder();
    const digests: string[] = [];
    let bytes = 0;
    let at = "";
    for (let n = (segment - 1) * SEGMENT_COMMITS; n < Math.min(commits, segment * SEGMENT_COMMITS); n++) {
      const { key, commit } = commitOf(n, sources, turns);
      const line = entryLine(key, Buffer.from(JSON.stringify(commit)));
      await encoder.write(line);
      bytes += line.length;
      digests.push(keyDigest(key));
      at = commit.arrivedTo;
    }
    const body = await encoder.end({
      version: 1,
      segment,
      found: "listing",
      commits: digests.length,
      opaque: 0,
      bytes,
      sequencedAt: at,
      coveredTo: "commits/9999/",
      listedTo: "",
      sweptTo: "",
      sweepBefore: 0,
      oldest: at,
      newest: at,
      types: [...TYPES],
      keys: headKeys(digests),
    });
    await writeFile(join(folder, segmentKey(segment).replace("log/", "")), body);
  }
}

function commitOf(n: number, count: number, turns: number): { key: string; commit: Commit } {
  const first = 10n ** 55n + BigInt(n) * 1_000n;
  const id = {
    origin: `shardId-${String(n % SHARDS).padStart(12, "0")}`,
    firstSequenceNumber: `${first}`,
    lastSequenceNumber: `${first + 999n}`,
  };
  const digest = (n * 2_654_435_761).toString(16).padStart(16, "0").slice(-16);
  const at = new Date(BEGAN_MS + (n / COMMITS_A_MINUTE) * 60_000);
  const instant = at.toISOString();
  const types = new Map<string, number>();
  const sources = Array.from({ length: count }, (_, i) => {
    const place = n * count + i;
    const file = place % (HOSTS * FILES);
    const turn = Math.floor(place / (HOSTS * FILES));
    const generation = turns === 0 ? 0 : Math.floor(turn / turns);
    const from = (turns === 0 ? turn : turn % turns) * RANGE_BYTES;
    const type = TYPES[file % FILES]!;
    types.set(type, (types.get(type) ?? 0) + RANGE_BYTES / LINE_BYTES);
    const host = Math.floor(file / FILES);
    return {
      id: Buffer.from(`${generation}s${file}`.padStart(9, "-")).toString("base64url"),
      host: `ip-10-${host % 7}-${host % 251}-${host % 241}.eu-west-1.compute.internal`,
      path: `/var/log/${type}/${type}.log`,
      ranges: [[from, from + RANGE_BYTES]] as [number, number][],
      gaps: [],
      types: [type],
      conflicts: 0,
    };
  });
  const objects = [...types].map(([type, rows]) => ({
    kind: "data" as const,
    type,
    key: dataKey(type, at, id, digest, "zstd"),
    bytes: rows * 20,
    rows,
  }));
  const commit: Commit = {
    version: 2,
    batchId: batchName(id),
    ...id,
    config: "0123456789ab",
    arrivedFrom: instant,
    arrivedTo: instant,
    records: count,
    userRecords: (count * RANGE_BYTES) / LINE_BYTES,
    quarantined: 0,
    bytes: count * RANGE_BYTES,
    objects,
    sources,
    types: Object.fromEntries(
      [...types].map(([type, rows]) => [type, { ...noLines(), lines: rows, bytes: rows * LINE_BYTES, rows }]),
    ),
  };
  return { key: commitKey(at, id, digest), commit };
}

const [folder, commits, sources, turns] = process.argv.slice(2);
await writeLog(folder!, Number(commits), Number(sources), Number(turns));
console.log("written");
