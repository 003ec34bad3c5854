import { createHash } from "node:crypto";
import type { Commit } from "../../wire/commit.ts";
import { batchName, type Codec, parseCommitKey, PREFIX } from "../../wire/keys.ts";
import { RangeSet } from "../../wire/ranges.ts";
import { compareSequenceNumbers, padSequenceNumber } from "../../wire/sequence-number.ts";
import { dataObjects, type FoundCommit } from "./claim.ts";
import type { OpenLoad } from "./state.ts";
import type { Target } from "./target.ts";

/** A load to open, and the objects it needs in the lake before it is submitted. */
export interface LoadPlan {
  readonly load: OpenLoad;
  readonly files: readonly { readonly key: string; readonly text: string }[];
}

/**
 * Plans the load of `found`, commits that have rows for the table.
 *
 * loads/<id>/rows-<codec>.manifest   objects to COPY
 * loads/<id>/commits.ndjson          for weir.commits, and the check against it
 * loads/<id>/ranges.ndjson           for weir.ranges, and the check against it
 *
 * The slow path is taken at once where commits overlap one another: COPY would load those rows twice.
 */
export function planLoad(target: Target, found: readonly FoundCommit[], bucket: string, now: Date): LoadPlan {
  const commits = withoutRepeats(found, target);
  const id = loadId(target, found);
  const folder = `${PREFIX.loads}${id}/`;
  const { rows: ranges, overlap } = rangeRows(commits, target);
  const objects = distinctObjects(commits, target);
  const manifests = (["zstd", "gzip"] as const)
    .map((codec) => ({ codec, objects: objects.filter(({ key }) => codecOf(key) === codec) }))
    .filter(({ objects }) => objects.length > 0)
    .map(({ codec, objects }) => ({
      codec,
      key: `${folder}rows-${codec}.manifest`,
      rows: sum(objects.map(({ rows }) => rows)),
      text: manifest(
        bucket,
        objects.map(({ key }) => key),
      ),
    }));
  const commitRows = commits.map(({ commit }) => commitRow(commit, target));
  const commitsFile = { key: `${folder}commits.ndjson`, rows: commitRows.length };
  const rangesFile = { key: `${folder}ranges.ndjson`, rows: ranges.length };
  const slow = overlap || foreignOverlap(commits, target) || repeatsObject(commits, target);
  return {
    load: {
      id,
      path: slow ? "slow" : "fast",
      attempt: 0,
      plannedAt: now.toISOString(),
      oldestCommitAt: found
        .map(({ key }) => parseCommitKey(key).writtenAt.toISOString())
        .reduce((a, b) => (a < b ? a : b)),
      rows: sum(objects.map(({ rows }) => rows)),
      bytes: sum(objects.map(({ bytes }) => bytes)),
      manifests: manifests.map(({ key, rows, codec }) => ({ key, rows, codec })),
      commits: commitsFile,
      ranges: rangesFile,
    },
    files: [
      ...manifests.map(({ key, text }) => ({ key, text })),
      { key: commitsFile.key, text: ndjson(commitRows) },
      { key: rangesFile.key, text: ndjson(ranges) },
    ],
  };
}

/** Minute of the newest commit, table, and a hash of the commits' keys: ids sort by time. */
function loadId(target: Target, found: readonly FoundCommit[]): string {
  const keys = found.map(({ key }) => key).sort();
  const newest = parseCommitKey(keys.at(-1)!).writtenAt.toISOString();
  const hash = createHash("sha256").update(keys.join("\n")).digest("hex").slice(0, 12);
  return `${newest.slice(0, 16).replace(/[-:]/g, "")}-${target.name}-${hash}`;
}

/**
 * A batch that its router wrote twice names the same objects twice, and the later commit says what is
 * in them. The earlier one stays only if it names an object that the later does not.
 */
function withoutRepeats(found: readonly FoundCommit[], target: Target): FoundCommit[] {
  const newest = new Map(found.map((commit) => [commit.commit.batchId, commit]));
  return found.filter(({ key, commit }) => {
    const later = newest.get(commit.batchId)!;
    const names = new Set(dataObjects(later.commit, target).map((object) => object.key));
    return later.key === key || dataObjects(commit, target).some((object) => !names.has(object.key));
  });
}

function distinctObjects(commits: readonly FoundCommit[], target: Target): Commit["objects"] {
  const objects = new Map(
    commits.flatMap(({ commit }) => dataObjects(commit, target)).map((object) => [object.key, object]),
  );
  return [...objects.values()];
}

function repeatsObject(commits: readonly FoundCommit[], target: Target): boolean {
  const named = commits.reduce((sum, { commit }) => sum + dataObjects(commit, target).length, 0);
  return named > distinctObjects(commits, target).length;
}

interface RangeRow {
  readonly src: string;
  readonly from_off: number;
  readonly to_off: number;
  readonly arrived_from: string;
  readonly arrived_to: string;
}

/** Ranges of one source that touch become one row: a file read on and on stays one row a load. */
function rangeRows(commits: readonly FoundCommit[], target: Target): { rows: RangeRow[]; overlap: boolean } {
  const sources = new Map<string, { ranges: RangeSet; from: string; to: string }>();
  let overlap = false;
  for (const { commit } of commits) {
    for (const { id, ranges, types } of commit.sources) {
      if (!types.includes(target.type)) continue;
      const { arrivedFrom, arrivedTo } = commit;
      const source = sources.get(id) ?? { ranges: new RangeSet(), from: arrivedFrom, to: arrivedTo };
      sources.set(id, source);
      if (arrivedFrom < source.from) source.from = arrivedFrom;
      if (arrivedTo > source.to) source.to = arrivedTo;
      for (const [from, to] of ranges) {
        overlap ||= source.ranges.overlaps(from, to);
        source.ranges.add(from, to);
      }
    }
  }
  const rows = [...sources].flatMap(([src, { ranges, from, to }]) =>
    ranges.toArray().map(([from_off, to_off]) => ({
      src,
      from_off,
      to_off,
      arrived_from: timestamp(from),
      arrived_to: timestamp(to),
    })),
  );
  return { rows, overlap };
}

/** Rows without provenance are known by shard and sequence number. */
function foreignOverlap(commits: readonly FoundCommit[], target: Target): boolean {
  const foreign = commits
    .map(({ commit }) => commit)
    .filter(({ types }) => (types[target.type]?.foreignRows ?? 0) > 0)
    .sort(
      (a, b) =>
        a.origin.localeCompare(b.origin) ||
        compareSequenceNumbers(a.firstSequenceNumber, b.firstSequenceNumber),
    );
  let last: Commit | undefined;
  for (const commit of foreign) {
    const sameShard = last?.origin === commit.origin;
    if (sameShard && compareSequenceNumbers(commit.firstSequenceNumber, last!.lastSequenceNumber) <= 0) {
      return true;
    }
    last = commit;
  }
  return false;
}

function commitRow(commit: Commit, target: Target): object {
  return {
    batch_id: batchName(commit),
    shard_id: commit.origin,
    first_seq: padSequenceNumber(commit.firstSequenceNumber),
    last_seq: padSequenceNumber(commit.lastSequenceNumber),
    rows: commit.types[target.type]?.rows ?? 0,
    foreign_rows: commit.types[target.type]?.foreignRows ?? 0,
    arrived_from: timestamp(commit.arrivedFrom),
    arrived_to: timestamp(commit.arrivedTo),
  };
}

/** A missing object fails the load: without `mandatory` COPY would go on without it. */
const manifest = (bucket: string, keys: readonly string[]): string =>
  JSON.stringify({ entries: keys.map((key) => ({ url: `s3://${bucket}/${key}`, mandatory: true })) });

const codecOf = (key: string): Codec => (key.endsWith(".gz") ? "gzip" : "zstd");
const ndjson = (rows: readonly object[]): string => rows.map((row) => `${JSON.stringify(row)}\n`).join("");
const sum = (numbers: readonly number[]): number => numbers.reduce((a, b) => a + b, 0);

/** Redshift's own form, to the millisecond: rows' _arrived_at is compared with it. */
const timestamp = (iso: string): string => new Date(iso).toISOString().slice(0, 23).replace("T", " ");
