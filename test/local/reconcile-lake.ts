import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { crc32, zstdCompressSync } from "node:zlib";
import { GetObjectCommand, ListObjectsV2Command, PutObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { startFauxqs, type FauxqsServer } from "fauxqs";
import { type Warehouse } from "../../local/reconcile/warehouse.ts";
import type { Identity } from "../../local/reconcile/lake.ts";
import type { Commit } from "../../wire/commit.ts";
import {
  batchName,
  commitKey,
  dataKey,
  objectDigest,
  rejectedKey,
  type BatchId,
  PREFIX,
  segmentKey,
} from "../../wire/keys.ts";
import { RangeSet } from "../../wire/ranges.ts";
import type { RejectedLine } from "../../wire/reject.ts";
import { segmentOf } from "../commit-log/log-fixture.ts";

/** One line of a file, on its way through a made-up router. */
export interface Event {
  readonly type: string;
  readonly src: string;
  readonly off: number;
  readonly extent: number;
  readonly rejected: boolean;
  /** CRC-32 of the line's bytes; none as in version 1. */
  readonly crc: number | undefined;
  /** Values of its row, besides where it came from. */
  readonly columns?: object;
}

/** What a test does to one batch behind the back of its commit. */
export interface Damage {
  readonly dropRow?: Identity;
  readonly commitTwice?: boolean;
  /** What else the commit says. */
  readonly said?: Partial<Pick<Commit, "config" | "quarantined">>;
  readonly gaps?: { src: string; from: number; to: number; lines: number; type: string; source?: string }[];
}

export const SHARD = "shardId-000000000000";
const ARRIVED = new Date("2026-11-20T10:00:00Z");

/** A lake written by hand, as the router would, so that it can be wrong in one exact way. */
export class FabricatedLake {
  readonly #server: FauxqsServer;
  readonly s3: S3Client;
  readonly #dirs: string[] = [];
  #buckets = 0;
  #segments = 0;
  readonly #sequenced = new Set<string>();
  bucket = "";

  private constructor(server: FauxqsServer) {
    this.#server = server;
    this.s3 = new S3Client({
      endpoint: `http://127.0.0.1:${server.port}`,
      region: "us-east-1",
      credentials: { accessKeyId: "local", secretAccessKey: "local" },
      forcePathStyle: true,
    });
  }

  static async start(): Promise<FabricatedLake> {
    return new FabricatedLake(await startFauxqs({ port: 0, logger: false, host: "127.0.0.1" }));
  }

  async stop(): Promise<void> {
    this.s3.destroy();
    await this.#server.stop();
    for (const dir of this.#dirs) await rm(dir, { recursive: true });
  }

  /** A new, empty bucket. */
  begin(): void {
    this.#segments = 0;
    this.#sequenced.clear();
    this.bucket = `lake-${this.#buckets++}`;
    this.#server.createBucket(this.bucket);
  }

  /** A file of these lines, and its events. */
  async file(
    type: string,
    src: string,
    lines: readonly string[],
    rejected: (line: number) => boolean = () => false,
  ): Promise<{ path: string; events: Event[] }> {
    const dir = await mkdtemp(join(tmpdir(), "weir-reconcile-"));
    this.#dirs.push(dir);
    const path = join(dir, `${type}.log`);
    await writeFile(path, lines.map((line) => `${line}\n`).join(""));
    let off = 0;
    const events = lines.map((line, i) => {
      const extent = Buffer.byteLength(line) + 1;
      off += extent;
      return { type, src, off: off - extent, extent, rejected: rejected(i), crc: crc32(line) };
    });
    return { path, events };
  }

  /** Writes the objects of a batch and its commit. Sequence numbers are `first` and up, one each event. */
  async batch(first: number, events: readonly Event[], damage: Damage = {}): Promise<void> {
    const batch: BatchId = {
      origin: SHARD,
      firstSequenceNumber: `${first}`,
      lastSequenceNumber: `${first + Math.max(events.length, 1) - 1}`,
    };
    const commit = { ...emptyCommit(batch, events), ...damage.said };
    const seen = new Set<string>();
    const kept = events.filter(
      (event) => seen.size !== seen.add(`${event.src} ${event.off} ${event.crc}`).size,
    );
    const gaps = damage.gaps ?? [];
    for (const type of new Set([...events, ...gaps].map((event) => event.type))) {
      const all = events.filter((event) => event.type === type);
      const distinct = kept.filter((event) => event.type === type);
      const rows = distinct.filter((event) => !event.rejected);
      const rejected = distinct.filter((event) => event.rejected);
      const filtered = gaps.filter((gap) => gap.type === type).reduce((sum, gap) => sum + gap.lines, 0);
      commit.types[type] = {
        lines: all.length + filtered,
        bytes: all.reduce((sum, { extent }) => sum + extent, 0),
        rows: rows.length,
        rejected: rejected.length,
        filtered,
        duplicates: all.length - distinct.length,
        foreignRows: rows.filter(({ src }) => src.includes(":")).length,
        reparsed: 0,
      };
      const stored = rows.filter(({ src, off }) => src !== damage.dropRow?.src || off !== damage.dropRow.off);
      if (rows.length > 0) await this.#rows(commit, type, batch, rows.length, stored);
      if (rejected.length > 0) await this.#rejected(commit, type, batch, rejected);
    }
    for (const src of new Set([...events, ...gaps].map((event) => event.src))) {
      if (src.includes(":")) continue;
      const of = events.filter((event) => event.src === src);
      const gapsOf = gaps.filter((gap) => gap.src === src);
      commit.sources.push({
        id: src,
        host: "web-1",
        path: `/var/log/${of[0]?.type ?? gapsOf[0]!.type}.log`,
        ranges: [...RangeSet.of(of.map(({ off, extent }) => [off, off + extent] as const)).toArray()].map(
          ([from, to]) => [from, to],
        ),
        gaps: gapsOf.map(({ from, to, lines, source }) => {
          const reason = source === undefined ? "filtered" : "earlier-identity";
          return { from, to, lines, reason, ...(source === undefined ? {} : { source }) };
        }),
        types: [...new Set(of.map(({ type }) => type))],
        conflicts: 0,
      });
    }
    const body = Buffer.from(JSON.stringify(commit));
    const writtenAt = damage.commitTwice ? [0, 60_000] : [0];
    for (const ms of writtenAt) {
      await this.put(commitKey(new Date(ARRIVED.getTime() + ms), batch, objectDigest(body)), body);
    }
  }

  async #rows(
    commit: Commit,
    type: string,
    batch: BatchId,
    says: number,
    rows: readonly Event[],
  ): Promise<void> {
    const lines = rows.map((event) =>
      JSON.stringify({
        _time: "2026-11-20 10:00:00.000",
        _src: event.src,
        _off: event.off,
        _crc: event.crc,
        ...event.columns,
      }),
    );
    const body = ndjson(lines);
    const key = dataKey(type, ARRIVED, batch, objectDigest(body), "zstd");
    commit.objects.push({ kind: "data", type, key, bytes: body.length, rows: says });
    await this.put(key, body);
  }

  async #rejected(commit: Commit, type: string, batch: BatchId, events: readonly Event[]): Promise<void> {
    const lines = events.map((event) =>
      JSON.stringify({
        reason: "type",
        field: "status",
        detail: `"abc" is not a smallint`,
        type,
        tag: type,
        _src: event.src,
        _off: event.off,
        _crc: event.crc,
        _host: "web-1",
        _arrived_at: "2026-11-20 10:00:00.000",
        encoding: "utf8",
        data: "x",
      } satisfies RejectedLine),
    );
    const body = ndjson(lines);
    const key = rejectedKey(type, ARRIVED, batch, objectDigest(body), "zstd");
    commit.objects.push({ kind: "rejected", type, key, bytes: body.length, rows: events.length });
    await this.put(key, body);
  }

  /** Puts the commits that the log does not hold yet into its next segment. @returns their keys */
  async sequence(): Promise<string[]> {
    const list = new ListObjectsV2Command({ Bucket: this.bucket, Prefix: PREFIX.commits });
    const { Contents = [] } = await this.s3.send(list);
    const keys = Contents.map(({ Key }) => Key!).filter((key) => !this.#sequenced.has(key));
    if (keys.length === 0) return keys;
    await this.segment(keys);
    for (const key of keys) this.#sequenced.add(key);
    return keys;
  }

  /** Puts the next segment of the log, of these commits. */
  async segment(keys: readonly string[]): Promise<void> {
    const get = async (key: string) => {
      const { Body } = await this.s3.send(new GetObjectCommand({ Bucket: this.bucket, Key: key }));
      return { key, body: Buffer.from(await Body!.transformToByteArray()) };
    };
    const segment = ++this.#segments;
    const { bytes } = await segmentOf(segment, await Promise.all(keys.map(get)));
    await this.put(segmentKey(segment), bytes);
  }

  async put(key: string, body: Buffer): Promise<void> {
    await this.s3.send(
      new PutObjectCommand({ Bucket: this.bucket, Key: key, Body: body, ContentLength: body.length }),
    );
  }
}

/** A warehouse that holds just these rows, repeats and all. */
export function warehouseOf(rows: readonly Identity[]): Warehouse {
  const distinct = new Set(rows.map(({ src, off, crc }) => `${src} ${off} ${crc}`)).size;
  return {
    countRows: () => Promise.resolve({ rows: rows.length, distinct }),
    async *identities() {
      yield* rows;
    },
  };
}

function emptyCommit(batch: BatchId, events: readonly Event[]): Commit {
  return {
    version: 2,
    batchId: batchName(batch),
    ...batch,
    config: "0123456789ab",
    arrivedFrom: ARRIVED.toISOString(),
    arrivedTo: ARRIVED.toISOString(),
    records: 1,
    userRecords: events.length,
    quarantined: 0,
    bytes: events.reduce((sum, { extent }) => sum + extent, 0),
    objects: [],
    sources: [],
    types: {},
  };
}

function ndjson(lines: readonly string[]): Buffer {
  return zstdCompressSync(lines.map((line) => `${line}\n`).join(""));
}
