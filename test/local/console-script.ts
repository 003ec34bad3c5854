import type { Snapshot, TypeFlow } from "../../local/console/snapshot.ts";

const NOTHING: TypeFlow = {
  lines: 0,
  bytes: 0,
  rows: 0,
  rejected: 0,
  filtered: 0,
  duplicates: 0,
  loaded: 0,
};

/** A run of a minute, second by second: it starts, flows, is drained and balances. */
export function scriptedSnapshot(second: number, change: Partial<Snapshot> = {}): Snapshot {
  const written = Math.min(second, 45);
  const types = {
    access: flow(written * 2_400, second, 0.0102),
    photo: flow(written * 700, second, 0.013),
    user: flow(written * 160, second, 0.008),
  };
  const phase = second === 0 ? "starting" : second < 45 ? "running" : second < 58 ? "draining" : "balanced";
  return {
    atMs: 1_795_000_000_000 + second * 1_000,
    elapsedSeconds: second,
    phase,
    agent: {
      files: Object.entries(types).flatMap(([type, { bytes }], i) => [
        { path: `/tmp/weir/${type}.log.1`, type, sizeBytes: 400_000, deliveredBytes: 400_000 },
        {
          path: `/tmp/weir/${type}.log`,
          type,
          sizeBytes: bytes + (second < 45 ? 40_000 * (3 - i) * (1 + Math.sin(second / 3 + i)) : 0),
          deliveredBytes: bytes,
        },
      ]),
    },
    kinesis: {
      shards: [
        { shardId: "shardId-000000000000", recordsPerSecond: 12, millisBehind: second < 45 ? 420 : 0 },
        { shardId: "shardId-000000000001", recordsPerSecond: 9, millisBehind: second < 45 ? 1_300 : 0 },
      ],
    },
    router: { invocations: second * 3, errors: second > 20 ? 1 : 0 },
    types,
    rejects: [
      {
        type: "access",
        reason: "unparsed",
        field: undefined,
        count: Math.floor(types.access.rejected / 2),
        detail: `not a combined log line: "[notice] worker`,
      },
      {
        type: "photo",
        reason: "range",
        field: "photo_id",
        count: Math.floor(types.photo.rejected / 3),
        detail: "9223372036854775808 is more than a bigint holds",
      },
      {
        type: "user",
        reason: "length",
        field: "country",
        count: types.user.rejected,
        detail: `<img src=x onerror="alert(1)"> has 3 bytes, char(2) takes 2`,
      },
    ].filter(({ count }) => count > 0) as unknown as Snapshot["rejects"],
    lake: { commits: second * 3, objects: second * 9, bytes: second * 190_000, quarantined: 0 },
    warehouse: { loads: Math.floor(second / 6), failedLoads: 0 },
    problems: [],
    conditions: [],
    ...change,
  };
}

function flow(lines: number, second: number, rejectShare: number): TypeFlow {
  const routed = second < 58 ? Math.floor((lines * Math.max(0, second - 1)) / Math.max(1, second)) : lines;
  const rejected = Math.floor(routed * rejectShare);
  const duplicates = second > 30 ? Math.min(120, Math.floor(routed / 900)) : 0;
  const rows = routed - rejected - duplicates;
  const loaded = second < 58 ? Math.floor((rows * Math.floor(second / 6) * 6) / Math.max(1, second)) : rows;
  return { ...NOTHING, lines: routed, bytes: routed * 210, rows, rejected, duplicates, loaded };
}
