import { constants, gzipSync, zstdCompressSync } from "node:zlib";
import type { Commit, LakeObject } from "../../wire/commit.ts";
import type { WeirConfig } from "../../wire/config.ts";
import { batchName, dataKey, quarantineKey, rejectedKey, type BatchId, type Codec } from "../../wire/keys.ts";
import { WireError } from "../../wire/wire-error.ts";
import { Batch } from "./batch.ts";
import { LogTypes } from "./log-types.ts";
import { openRecord, type Event } from "./open-record.ts";
import { RouterError } from "./router-error.ts";
import type { StreamRecord } from "./stream-record.ts";

/** A batch made ready for the lake. */
export interface RoutedBatch {
  readonly id: BatchId;
  /** Each is named in the commit, under the same key. */
  readonly objects: readonly { readonly key: string; readonly body: Uint8Array }[];
  readonly commit: Commit;
  readonly quarantined: readonly Quarantined[];
  /** First record not taken, where the batch would have unpacked to more than memory holds. */
  readonly next: string | undefined;
}

export interface Quarantined {
  readonly record: StreamRecord;
  readonly error: WireError;
}

/**
 * Part of the function's memory that a batch may unpack to. Its rows are held as text, once more in one
 * piece while they are compressed, and Node itself takes about 100 MB.
 */
const MEMORY_SHARE = 1 / 8;

/** What a row has beyond its line: metadata and column names. Counted so that tiny lines count too. */
const ROW_OVERHEAD_BYTES = 160;

/** Turns batches of Kinesis records into objects of the lake. The same batch gives the same bytes. */
export class Router {
  readonly #config: WeirConfig;
  readonly #logTypes: LogTypes;
  readonly #maxBytes: number;

  constructor(config: WeirConfig) {
    this.#config = config;
    this.#logTypes = new LogTypes(config.types);
    this.#maxBytes = config.router.memoryMb * 2 ** 20 * MEMORY_SHARE;
  }

  /**
   * @param records of one shard, in order, at least one
   * @throws RouterError MIXED_SHARDS, UNBALANCED; never for what the records hold
   */
  route(records: readonly StreamRecord[]): RoutedBatch {
    const batch = new Batch(this.#logTypes, this.#config.foreign);
    const quarantined: Quarantined[] = [];
    let unpacked = 0;
    let taken = 0;
    for (const record of records) {
      const opened = this.#open(record);
      if (opened instanceof WireError) {
        quarantined.push({ record, error: opened });
      } else {
        if (taken > 0 && unpacked + opened.bytes > this.#maxBytes) break;
        unpacked += opened.bytes;
        batch.take(record, opened.events);
      }
      taken++;
    }
    return this.#finish(batch, records.slice(0, taken), quarantined, records[taken]?.sequenceNumber);
  }

  /** The events of a record, or why it is quarantined whole. */
  #open(record: StreamRecord): { events: readonly Event[]; bytes: number } | WireError {
    try {
      const events = openRecord(record);
      const bytes = events.reduce((sum, { record }) => sum + record.data.length + ROW_OVERHEAD_BYTES, 0);
      if (bytes <= this.#maxBytes) return { events, bytes };
      const message = `makes about ${bytes} bytes of rows, more than memory is set aside for`;
      return new WireError("INFLATED_TOO_LARGE", message);
    } catch (error) {
      if (error instanceof WireError) return error;
      throw error;
    }
  }

  #finish(
    batch: Batch,
    records: readonly StreamRecord[],
    quarantined: readonly Quarantined[],
    next: string | undefined,
  ): RoutedBatch {
    const id = batchId(records);
    const arrivals = records.map(({ arrivedAt }) => arrivedAt.getTime());
    const arrivedFrom = new Date(arrivals.reduce((a, b) => Math.min(a, b)));
    const written = [
      ...this.#typeObjects(batch, id, arrivedFrom),
      ...quarantined.map(({ record }) => quarantineObject(record)),
    ];
    const commit: Commit = {
      version: 1,
      batchId: batchName(id),
      ...id,
      arrivedFrom: arrivedFrom.toISOString(),
      arrivedTo: new Date(arrivals.reduce((a, b) => Math.max(a, b))).toISOString(),
      records: records.length,
      userRecords: batch.userRecords,
      bytes: records.reduce((sum, { data }) => sum + data.length, 0),
      objects: written.map(({ object }) => object),
      sources: batch.sources.toArray(),
      types: Object.fromEntries(batch.types().map(({ name, counts }) => [name, counts])),
    };
    const objects = written.map(({ object: { key }, body }) => ({ key, body }));
    return { id, objects, commit, quarantined, next };
  }

  *#typeObjects(batch: Batch, id: BatchId, arrivedAt: Date): Generator<{ object: LakeObject; body: Buffer }> {
    const { compression, maxHoursPerBatch } = this.#config.lake;
    for (const type of batch.types()) {
      type.assertBalanced();
      for (const { hour, pieces, rows, from, to } of type.hours(maxHoursPerBatch, arrivedAt)) {
        const body = compress(pieces, compression);
        const key = dataKey(type.name, hour, id, 0, compression);
        const times = { from: from.toISOString(), to: to.toISOString() };
        yield { object: { kind: "data", type: type.name, key, bytes: body.length, rows, ...times }, body };
      }
      if (type.rejected.lines > 0) {
        const body = compress(type.rejected.pieces(), compression);
        const key = rejectedKey(type.name, arrivedAt, id, compression);
        const rows = type.rejected.lines;
        yield { object: { kind: "rejected", type: type.name, key, bytes: body.length, rows }, body };
      }
    }
  }
}

function quarantineObject({ shardId, sequenceNumber, arrivedAt, data }: StreamRecord): {
  object: LakeObject;
  body: Uint8Array;
} {
  const key = quarantineKey(arrivedAt, shardId, sequenceNumber);
  return { object: { kind: "quarantine", type: "", key, bytes: data.length, rows: 0 }, body: data };
}

/** @throws RouterError MIXED_SHARDS */
function batchId(records: readonly StreamRecord[]): BatchId {
  const first = records[0]!;
  const stray = records.find(({ shardId }) => shardId !== first.shardId);
  if (stray) {
    throw new RouterError(
      "MIXED_SHARDS",
      `records of ${first.shardId} and of ${stray.shardId} in one batch`,
      "hand over the records of each shard apart",
    );
  }
  return {
    shardId: first.shardId,
    firstSequenceNumber: first.sequenceNumber,
    lastSequenceNumber: records.at(-1)!.sequenceNumber,
  };
}

/**
 * One frame or member, the same bytes for the same lines. zstd at level 1 takes half the CPU of gzip at
 * level 1 and packs better.
 */
function compress(pieces: readonly Buffer[], codec: Codec): Buffer {
  const bytes = Buffer.concat(pieces);
  return codec === "gzip"
    ? gzipSync(bytes)
    : zstdCompressSync(bytes, { params: { [constants.ZSTD_c_compressionLevel]: 1 } });
}
