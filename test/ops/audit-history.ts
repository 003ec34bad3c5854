import { type Commit, noLines } from "../../wire/commit.ts";
import type { Heartbeat } from "../../wire/heartbeat.ts";
import { batchName, commitKey } from "../../wire/keys.ts";
import type { LoadSums, TableSums } from "../../wire/loader-command.ts";
import type { FoundCommit } from "../../ops/commits/read-commits.ts";

export const LINE_BYTES = 10;
export const BEGAN = new Date("2026-11-26T00:00:00Z");
/** Long after all that a history has. */
export const NOW = new Date("2026-11-27T00:00:00Z");

/** Bytes [from, to) of a source, and the lines of them that are no rows. */
export interface Piece {
  readonly source: number;
  readonly from: number;
  readonly to: number;
  readonly rejected?: number;
  /** All of them were left out for a reason. */
  readonly gap?: true;
}

export interface HistoryBatch {
  readonly shard: number;
  readonly first: number;
  readonly last: number;
  readonly minute: number;
  readonly pieces: readonly Piece[];
  readonly foreign?: number;
}

const sourceName = (n: number): string => `source${String(n).padStart(6, "0")}`;
export const hostOf = (n: number): string => `web-${n % 2}`;
export const pathOf = (n: number): string => `/var/log/${n}.log`;
export const at = (minute: number): Date => new Date(BEGAN.getTime() + 60_000 * minute);

const lines = ({ from, to }: Piece): number => (to - from) / LINE_BYTES;

/** The commit that a router would write of a batch. */
export function commitOf(batch: HistoryBatch): { readonly key: string; readonly commit: Commit } {
  const { shard, first, last, minute, pieces, foreign = 0 } = batch;
  const origin = `shardId-${String(shard).padStart(12, "0")}`;
  const id = { origin, firstSequenceNumber: `${first}`, lastSequenceNumber: `${last}` };
  const key = commitKey(at(minute), id, "0123456789abcdef");
  const counts = noLines();
  counts.foreignRows = foreign;
  counts.rows = foreign;
  counts.lines = foreign;
  for (const piece of pieces) {
    const { rejected = 0, gap } = piece;
    counts.lines += lines(piece);
    if (gap) counts.filtered += lines(piece);
    else {
      counts.rejected += rejected;
      counts.rows += lines(piece) - rejected;
      counts.bytes += piece.to - piece.from;
    }
  }
  const named = { type: "access", bytes: 1 };
  const data = { kind: "data" as const, ...named, key: `data/${batchName(id)}`, rows: counts.rows };
  const refused = {
    kind: "rejected" as const,
    ...named,
    key: `rejected/${batchName(id)}`,
    rows: counts.rejected,
  };
  const sources = [...new Set(pieces.map(({ source }) => source))].map((n) => {
    const own = pieces.filter(({ source }) => source === n);
    return {
      id: sourceName(n),
      host: hostOf(n),
      path: pathOf(n),
      ranges: own.flatMap(({ from, to, gap }): [number, number][] => (gap ? [] : [[from, to]])),
      gaps: own.flatMap((piece) =>
        piece.gap ? { from: piece.from, to: piece.to, reason: "filtered" as const, lines: lines(piece) } : [],
      ),
      types: ["access"],
      conflicts: 0,
    };
  });
  const arrivedAt = at(minute).toISOString();
  const commit: Commit = {
    version: 2,
    batchId: batchName(id),
    ...id,
    config: "0123456789ab",
    arrivedFrom: arrivedAt,
    arrivedTo: arrivedAt,
    records: last - first + 1,
    userRecords: counts.lines,
    quarantined: 0,
    bytes: counts.bytes,
    objects: [data, refused].filter(({ rows }) => rows > 0),
    sources,
    types: counts.lines > 0 ? { access: counts } : {},
  };
  return { key, commit };
}

/** As the log has them: ten commits a segment. */
export function found(commits: readonly { readonly key: string; readonly commit: Commit }[]): FoundCommit[] {
  return commits.map((one, i) => ({ ...one, at: { segment: 1 + Math.floor(i / 10), index: i % 10 } }));
}

export const rowsOf = ({ commit }: { readonly commit: Commit }): number => commit.types["access"]?.rows ?? 0;

const NO_LOADS: LoadSums = { loads: 0, staged: 0, inserted: 0, setAside: 0, conflicting: 0 };

/** What a loader says that has loaded the first `loaded` commits, each row once. */
export function tableOf(
  commits: readonly { readonly key: string; readonly commit: Commit }[],
  loaded: number,
  distinct: number,
): TableSums {
  const staged = commits.slice(0, loaded).reduce((sum, one) => sum + rowsOf(one), 0);
  return {
    table: "logs.access",
    types: ["access"],
    from: { segment: 1, index: 0 },
    to: { segment: 1 + Math.floor(loaded / 10), index: loaded % 10 },
    unread: [],
    loads: { ...NO_LOADS, loads: 1, staged, inserted: distinct },
    retries: NO_LOADS,
    ledger: { inserted: distinct, removed: 0, erased: 0, erasedAtMost: 0 },
    refused: { waiting: 0, skipped: 0, gone: 0 },
    rows: distinct,
  };
}

/** What the agent of a host says of its files, each of so many bytes and delivered to its end. */
export function heartbeatOf(host: string, sizes: ReadonlyMap<number, number>, minute: number): Heartbeat {
  return {
    at: at(minute).toISOString(),
    host,
    agent: { version: "1", node: "24", pid: 1, startedAt: BEGAN.toISOString() },
    sources: [...sizes]
      .filter(([n]) => hostOf(n) === host)
      .map(([n, size]) => ({
        id: sourceName(n),
        path: pathOf(n),
        tag: "access",
        size,
        read: size,
        delivered: size,
        endReachedAt: at(minute).toISOString(),
        state: "ended",
        finalSize: size,
      })),
  };
}
