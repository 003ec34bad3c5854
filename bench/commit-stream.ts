import { configFingerprint } from "../wire/config-fingerprint.ts";
import { parseConfig } from "../wire/config.ts";
import { type BatchId, batchName, commitMinute, commitMinutePrefix, PREFIX } from "../wire/keys.ts";
import type { ListedObject, MadeObjects } from "./counted-s3.ts";

/** A shard takes 1 MB/s, and a batch is full at 4 MB. */
const SECONDS_A_BATCH = 4;
export const BATCHES_A_MINUTE = 60 / SECONDS_A_BATCH;
const BATCH_BYTES = 3_960_000;
const RECORDS_A_BATCH = 20;

export const TYPES = ["access", "photo", "user"] as const;

/** The fleet's, that of the router and of the loader. */
export const CONFIG = parseConfig(
  {
    warehouse: { kind: "new-serverless" },
    types: TYPES.map((name) => ({
      name,
      parse: { format: "json" },
      columns: [{ name: "note", type: "varchar(8)" }],
      destinations: [{ to: "s3" }, { to: "redshift", schema: "logs" }],
    })),
  },
  "commit-stream.ts",
);
const FINGERPRINT = configFingerprint(CONFIG);
const LINE_BYTES = 200;
/** A fifth of the lines, packed. */
const OBJECT_BYTES = BATCH_BYTES / TYPES.length / 5;

const MINUTE_MS = 60_000;

/** A batch: `period` counts the batches of a shard from the beginning of the epoch. */
interface Batch {
  readonly shard: number;
  readonly period: number;
}

export interface Fleet {
  readonly shards: number;
  /** Aggregates in a batch, each of another host: a multiple of 4. A host sends one every second. */
  readonly aggregates: number;
}

/**
 * The commits of a fleet that fills its shards, each made when it is asked for: a day of them would fill the
 * memory. Every aggregate of a host goes to another shard than the last one; its three files grow without holes.
 */
export class CommitStream implements MadeObjects {
  readonly prefix = PREFIX.commits;
  readonly #fleet: Fleet;
  readonly #sinceMs: number;
  readonly #bytes: number;
  /** Commits written after this moment are not there yet. */
  nowMs: number;
  #endsMs = Infinity;

  /** @param sinceMs when the fleet began, a full minute */
  constructor(fleet: Fleet, sinceMs: number) {
    this.#fleet = fleet;
    this.#sinceMs = sinceMs;
    this.nowMs = sinceMs - 1;
    this.#bytes = this.body(this.#key({ shard: 0, period: this.#firstPeriod(sinceMs) })).length;
  }

  /** No host writes any more. */
  end(): void {
    this.#endsMs = this.nowMs;
  }

  /** Commits that are there; at the end of a minute. */
  get written(): number {
    return ((this.#untilMs + 1 - this.#sinceMs) / MINUTE_MS) * this.#fleet.shards * BATCHES_A_MINUTE;
  }

  *listAfter(after: string): Generator<ListedObject> {
    const { shards } = this.#fleet;
    const begin = batchOf(after);
    const sinceMs = Math.max(commitMinute(after)?.getTime() ?? 0, this.#sinceMs);
    for (let minuteMs = sinceMs; minuteMs <= this.#untilMs; minuteMs += MINUTE_MS) {
      const prefix = commitMinutePrefix(new Date(minuteMs));
      const first = this.#firstPeriod(minuteMs);
      const isFirstMinute = minuteMs === sinceMs && begin !== undefined;
      for (let shard = isFirstMinute ? begin.shard : 0; shard < shards; shard++) {
        for (let period = first; period < first + BATCHES_A_MINUTE; period++) {
          const atMs = this.#writtenAtMs({ shard, period });
          if (atMs > this.#untilMs) break;
          const key = `${prefix}${name({ shard, period })}.json`;
          // Every commit has about as many bytes as the first.
          if (key > after) yield { key, bytes: this.#bytes, lastModified: new Date(atMs) };
        }
      }
    }
  }

  get #untilMs(): number {
    return Math.min(this.nowMs, this.#endsMs);
  }

  body(key: string): Buffer {
    return Buffer.from(JSON.stringify(this.#commit(batchOf(key)!)));
  }

  /** A batch ends at a moment of its shard's own, so that commits come evenly. */
  #writtenAtMs({ shard, period }: Batch): number {
    return Math.floor((period + shard / this.#fleet.shards) * SECONDS_A_BATCH * 1_000);
  }

  #firstPeriod(minuteMs: number): number {
    return (minuteMs / MINUTE_MS) * BATCHES_A_MINUTE;
  }

  #key(batch: Batch): string {
    return `${commitMinutePrefix(new Date(this.#writtenAtMs(batch)))}${name(batch)}.json`;
  }

  #commit(batch: Batch): object {
    const at = new Date(this.#writtenAtMs(batch)).toISOString();
    const rows = BATCH_BYTES / TYPES.length / LINE_BYTES;
    const id = batchId(batch);
    const hour = `dt=${at.slice(0, 10)}/hr=${at.slice(11, 13)}`;
    return {
      version: 2,
      batchId: batchName(id),
      ...id,
      config: FINGERPRINT,
      arrivedFrom: at,
      arrivedTo: at,
      records: RECORDS_A_BATCH,
      userRecords: rows * TYPES.length,
      quarantined: 0,
      bytes: BATCH_BYTES,
      objects: TYPES.map((type) => ({
        kind: "data",
        type,
        key: `data/type=${type}/${hour}/${name(batch)}.ndjson.zst`,
        bytes: OBJECT_BYTES,
        rows,
        from: at,
        to: at,
      })),
      sources: this.#sources(batch),
      types: Object.fromEntries(TYPES.map((type) => [type, linesOf(rows)])),
    };
  }

  /** The aggregates of a period are dealt out to the shards anew each time, one after the other. */
  #sources({ shard, period }: Batch): object[] {
    const { shards, aggregates } = this.#fleet;
    const hosts = (shards * aggregates) / SECONDS_A_BATCH;
    const fileBytes = BATCH_BYTES / aggregates / TYPES.length;
    return Array.from({ length: aggregates }, (_, i) => {
      const aggregate = (shard * aggregates + i + period * 7) % (shards * aggregates);
      const host = aggregate % hosts;
      const from = (period * SECONDS_A_BATCH + Math.floor(aggregate / hosts)) * fileBytes;
      return TYPES.map((type, file) => ({
        id: `c${(host * TYPES.length + file).toString(36).padStart(11, "0")}`,
        host: `ip-10-${host >> 16}-${(host >> 8) & 255}-${host & 255}.eu-west-1.compute.internal`,
        path: `/var/log/app/${type}.log`,
        ranges: [[from, from + fileBytes]],
        gaps: [],
        types: [type],
        conflicts: 0,
      }));
    }).flat();
  }
}

function batchId({ shard, period }: Batch): BatchId {
  const first = period * RECORDS_A_BATCH;
  return {
    origin: `shardId-${String(shard).padStart(12, "0")}`,
    firstSequenceNumber: sequenceNumber(first),
    lastSequenceNumber: sequenceNumber(first + RECORDS_A_BATCH - 1),
  };
}

/** A sequence number of 56 digits, as Kinesis has them. */
function sequenceNumber(record: number): string {
  return `4967${String(record).padStart(52, "0")}`;
}

/** The digest is none, but like one it is another for each batch, and packs as badly. */
function name(batch: Batch): string {
  const mixed = (salt: number): string => {
    const mixed = Math.imul(batch.shard + salt, 0x9e3779b1) ^ Math.imul(batch.period + salt, 0x85ebca6b);
    return (mixed >>> 0).toString(16).padStart(8, "0");
  };
  return `${batchName(batchId(batch))}-${mixed(1)}${mixed(99)}`;
}

function batchOf(key: string): Batch | undefined {
  const [, shard, first] = /\/shardId-(\d{12})-4967(\d{52})-/.exec(key) ?? [];
  return shard === undefined ? undefined : { shard: Number(shard), period: Number(first) / RECORDS_A_BATCH };
}

function linesOf(rows: number): object {
  const none = { rejected: 0, filtered: 0, duplicates: 0, foreignRows: 0, reparsed: 0 };
  return { lines: rows, bytes: rows * LINE_BYTES, rows, ...none };
}
