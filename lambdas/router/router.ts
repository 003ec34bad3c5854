import { constants, gzipSync, zstdCompressSync } from "node:zlib";
import { type Commit, commitSchema, type LakeObject } from "../../wire/commit.ts";
import type { WeirConfig } from "../../wire/config.ts";
import {
  batchName,
  dataKey,
  objectDigest,
  quarantineKey,
  rejectedKey,
  type BatchId,
  type Codec,
} from "../../wire/keys.ts";
import { COMMIT_MAX_BYTES } from "../../wire/limits.ts";
import type { Batch } from "./batch.ts";
import { configFingerprint } from "../../wire/config-fingerprint.ts";
import type { ContestedSource } from "./delivered-sources.ts";
import { Gather, type Gathered } from "./gather.ts";
import { quarantineLine, type QuarantineReason, quarantineReasons, type Quarantined } from "./quarantine.ts";
import { RouterError } from "./router-error.ts";
import type { StreamRecord } from "./stream-record.ts";

/** A batch made ready for the lake. */
export interface RoutedBatch {
  readonly id: BatchId;
  /** Each is named in the commit, under the same key. */
  readonly objects: readonly { readonly key: string; readonly body: Uint8Array }[];
  readonly commit: Commit;
  readonly quarantined: readonly QuarantineReason[];
  readonly contested: readonly ContestedSource[];
  /** First record not taken, where the batch would have unpacked to more than memory holds. */
  readonly next: string | undefined;
}

/** Objects of rows in one batch, as long as no type needs more than a few. */
const MAX_ROW_OBJECTS = 256;
/** Hours that each type may have then: a batch in usual order has two. */
const FEW_HOURS = 4;

/** The object's bytes, and what its commit says of them. */
interface WrittenObject {
  readonly object: LakeObject;
  readonly body: Buffer;
}

/**
 * Turns batches of Kinesis records into objects of the lake. The same batch under the same configuration gives the
 * same keys and bytes; whatever gives other bytes gives another key.
 */
export class Router {
  readonly #config: WeirConfig;
  readonly #fingerprint: string;
  readonly #gather: Gather;

  constructor(config: WeirConfig) {
    this.#config = config;
    this.#fingerprint = configFingerprint(config);
    this.#gather = new Gather(config);
  }

  /**
   * @param records of one shard, in order, at least one
   * @throws RouterError MIXED_SHARDS, UNBALANCED, BAD_COMMIT; never for what the records hold
   */
  route(records: readonly StreamRecord[]): RoutedBatch {
    const gathered = this.#gather.from(records);
    return this.#finish(gathered, records.slice(0, gathered.taken), records[gathered.taken]?.sequenceNumber);
  }

  #finish(
    { batch, quarantined }: Gathered,
    records: readonly StreamRecord[],
    next: string | undefined,
  ): RoutedBatch {
    const id = batchId(records);
    const arrivals = records.map(({ arrivedAt }) => arrivedAt.getTime());
    const arrivedFrom = new Date(arrivals.reduce((a, b) => Math.min(a, b)));
    const written = [
      ...this.#typeObjects(batch, id, arrivedFrom),
      ...(quarantined.length > 0 ? [this.#quarantineObject(quarantined, id, arrivedFrom)] : []),
    ];
    const commit: Commit = {
      version: 2,
      batchId: batchName(id),
      ...id,
      config: this.#fingerprint,
      arrivedFrom: arrivedFrom.toISOString(),
      arrivedTo: new Date(arrivals.reduce((a, b) => Math.max(a, b))).toISOString(),
      records: records.length,
      userRecords: batch.userRecords,
      quarantined: quarantined.length,
      bytes: records.reduce((sum, { data }) => sum + data.length, 0),
      objects: written.map(({ object }) => object),
      sources: batch.sources.toArray(),
      types: Object.fromEntries(batch.types().map(({ name, counts }) => [name, counts])),
    };
    assertReadable(commit);
    const objects = written.map(({ object: { key }, body }) => ({ key, body }));
    const reasons = quarantineReasons(quarantined);
    const contested = batch.sources.contested();
    return { id, objects, commit, quarantined: reasons, contested, next };
  }

  *#typeObjects(batch: Batch, id: BatchId, arrivedAt: Date): Generator<WrittenObject> {
    const { compression } = this.#config.lake;
    const types = batch.types();
    const hours = types.reduce((sum, { hourCount }) => sum + hourCount, 0);
    const maxHours = hours > MAX_ROW_OBJECTS ? FEW_HOURS : Infinity;
    for (const type of types) {
      type.assertBalanced();
      for (const { hour, pieces, rows, from, to } of type.hours(maxHours, arrivedAt)) {
        const body = compress(pieces, compression);
        const key = dataKey(type.name, hour, id, objectDigest(body), compression);
        const times = { from: from.toISOString(), to: to.toISOString() };
        yield { object: { kind: "data", type: type.name, key, bytes: body.length, rows, ...times }, body };
      }
      if (type.rejected.lines > 0) {
        const body = compress(type.rejected.pieces(), compression);
        const key = rejectedKey(type.name, arrivedAt, id, objectDigest(body), compression);
        const rows = type.rejected.lines;
        yield { object: { kind: "rejected", type: type.name, key, bytes: body.length, rows }, body };
      }
    }
  }

  /** All in one object, however many they are: whoever writes to the stream should not decide on the puts. */
  #quarantineObject(quarantined: readonly Quarantined[], id: BatchId, arrivedAt: Date): WrittenObject {
    const { compression } = this.#config.lake;
    const lines = quarantined.map(quarantineLine);
    const body = compress(lines, compression);
    const key = quarantineKey(arrivedAt, id, objectDigest(body), compression);
    return { object: { kind: "quarantine", type: "", key, bytes: body.length, rows: lines.length }, body };
  }
}

/**
 * What no reader could read must not be written: it would stand in the way of all that comes after it.
 *
 * @throws RouterError BAD_COMMIT: a mistake of ours, not of the data's
 */
function assertReadable(commit: Commit): void {
  const hint =
    "report this as a defect; the batch is in the stream and, after the retries, in the failure bucket";
  const bytes = Buffer.byteLength(JSON.stringify(commit));
  if (bytes > COMMIT_MAX_BYTES) throw new RouterError("BAD_COMMIT", `a commit of ${bytes} bytes`, hint);
  const { error: cause } = commitSchema.safeParse(commit);
  if (cause)
    throw new RouterError("BAD_COMMIT", cause.issues.map(({ message }) => message).join(), hint, { cause });
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
    origin: first.shardId,
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
