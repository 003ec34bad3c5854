import { crc32, gunzipSync, gzipSync, zstdCompressSync, zstdDecompressSync } from "node:zlib";
import { type Commit, noLines } from "../../wire/commit.ts";
import { batchName, type Codec, commitKey, dataKey, objectDigest } from "../../wire/keys.ts";
import type { Range } from "../../wire/ranges.ts";

/** Rows stand at every tenth byte of their source: [0, 30) holds those at 0, 10 and 20. */
export const LINE_BYTES = 10;

export interface BatchSpec {
  readonly shard?: number;
  /** First and last sequence number. */
  readonly sequence: readonly [number, number];
  /** Ranges by source id; bounds are multiples of LINE_BYTES. */
  readonly sources?: Readonly<Record<string, readonly Range[]>>;
  /** Rows without provenance: sequence numbers of their records, one row each. */
  readonly foreign?: readonly number[];
  readonly type?: string;
  readonly codec?: Codec;
  readonly writtenAt?: Date;
  readonly arrivedAt?: Date;
  /** Put on every row. */
  readonly fields?: object;
  /** What the lines of the rows are taken to hold: rows at one place with the same are the same. */
  readonly content?: string;
  /** Offsets of lines that are no rows, since they do not fit the configuration. */
  readonly rejected?: readonly number[];
  /** Lines of each source that claim the same bytes as others. */
  readonly conflicts?: number;
}

export interface Batch {
  readonly commitKey: string;
  readonly commit: Commit;
  readonly objects: readonly { readonly key: string; readonly body: Buffer }[];
}

/** The objects and the commit that a router would write for these rows. */
export function batch(spec: BatchSpec): Batch {
  const { shard = 0, sequence, sources = {}, foreign = [], type = "photo", codec = "zstd" } = spec;
  const { writtenAt = new Date("2026-11-21T10:00:00Z"), arrivedAt = writtenAt, fields = {} } = spec;
  const { content = "", conflicts = 0, rejected = [] } = spec;
  const origin = `shardId-${String(shard).padStart(12, "0")}`;
  const id = { origin, firstSequenceNumber: `${sequence[0]}`, lastSequenceNumber: `${sequence[1]}` };
  const at = arrivedAt.toISOString().slice(0, 23).replace("T", " ");
  const row = (_src: string, _off: number): object => ({
    _time: at,
    _src,
    _off,
    _crc: crc32(`${_src} ${_off} ${content}`),
    _host: "h1",
    _arrived_at: at,
    ...fields,
  });
  const rows = [
    ...Object.entries(sources).flatMap(([source, ranges]) =>
      ranges
        .flatMap(([from, to]) => offsets(from, to))
        .filter((offset) => !rejected.includes(offset))
        .map((offset) => row(source, offset)),
    ),
    ...foreign.map((sequence) => row(`${origin}:${sequence}`, 0)),
  ];
  const text = rows.map((row) => `${JSON.stringify(row)}\n`).join("");
  const body = packed(text, codec);
  const key = dataKey(type, arrivedAt, id, objectDigest(body), codec);
  const instant = arrivedAt.toISOString();
  const counts = { lines: rows.length + rejected.length, rows: rows.length, rejected: rejected.length };
  const commit: Commit = {
    version: 2,
    batchId: batchName(id),
    ...id,
    config: "0123456789ab",
    arrivedFrom: instant,
    arrivedTo: instant,
    records: 1,
    userRecords: rows.length,
    quarantined: 0,
    bytes: text.length,
    objects: [{ kind: "data", type, key, bytes: body.length, rows: rows.length, from: instant, to: instant }],
    sources: Object.entries(sources).map(([id, ranges]) => ({
      id,
      host: "h1",
      path: `/var/log/${id}`,
      ranges: ranges.map(([from, to]) => [from, to]),
      gaps: [],
      types: [type],
      conflicts,
    })),
    types: { [type]: { ...noLines(), ...counts, bytes: text.length, foreignRows: foreign.length } },
  };
  const digest = objectDigest(Buffer.from(JSON.stringify(commit)));
  return { commitKey: commitKey(writtenAt, id, digest), objects: [{ key, body }], commit };
}

/** The same, as routers wrote it before rows had a _crc and keys a digest. */
export function batchOfVersion1(spec: BatchSpec): Batch {
  const { commitKey: key, commit, objects } = batch(spec);
  const withoutDigest = (key: string): string => key.replace(/-[0-9a-f]{16}\./, ".");
  const [object] = objects;
  const text = unpacked(object!.body, spec.codec).replaceAll(/"_crc":\d+,/g, "");
  const body = packed(text, spec.codec);
  const later = new Set(["origin", "config", "quarantined", "conflicts", "reparsed"]);
  const version1: unknown = JSON.parse(
    JSON.stringify({
      ...commit,
      version: 1,
      shardId: commit.origin,
      objects: commit.objects.map((object) => ({
        ...object,
        key: withoutDigest(object.key),
        bytes: body.length,
      })),
    }),
    (name, value: unknown) => (later.has(name) ? undefined : value),
  );
  return {
    commitKey: withoutDigest(key),
    // What a lake holds: readers make a commit of the present version of it.
    commit: version1 as Commit,
    objects: [{ key: withoutDigest(object!.key), body }],
  };
}

const packed = (text: string, codec: Codec = "zstd"): Buffer =>
  codec === "zstd" ? zstdCompressSync(text) : gzipSync(text);

const unpacked = (body: Buffer, codec: Codec = "zstd"): string =>
  (codec === "zstd" ? zstdDecompressSync(body) : gunzipSync(body)).toString();

export function offsets(from: number, to: number): number[] {
  return Array.from({ length: (to - from) / LINE_BYTES }, (_, i) => from + i * LINE_BYTES);
}
