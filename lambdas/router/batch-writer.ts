import { constants, gzipSync, zstdCompressSync } from "node:zlib";
import { type Commit, commitSchema, type LakeObject, type SourceRanges } from "../../wire/commit.ts";
import type { WeirConfig } from "../../wire/config.ts";
import { configFingerprint } from "../../wire/config-fingerprint.ts";
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
import type { ContestedSource } from "./delivered-sources.ts";
import { quarantineLine, type QuarantineReason, quarantineReasons, type Quarantined } from "./quarantine.ts";
import { RouterError } from "./router-error.ts";
import { giveBack, join } from "./row-memory.ts";
import type { TypeBatch } from "./type-batch.ts";

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

/** What a batch has become, before it is bytes. */
export interface BatchContents {
  readonly id: BatchId;
  readonly arrived: { readonly from: Date; readonly to: Date };
  /** Kinesis records that came with it, and their bytes. */
  readonly records: number;
  readonly bytes: number;
  readonly userRecords: number;
  readonly types: readonly TypeBatch[];
  readonly quarantined: readonly Quarantined[];
  readonly sources: readonly SourceRanges[];
  readonly contested: readonly ContestedSource[];
  readonly consumed?: Commit["consumed"];
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

/** Makes objects and commit of a batch. The same contents under the same configuration give the same keys and bytes. */
export class BatchWriter {
  readonly #compression: Codec;
  readonly #fingerprint: string;

  constructor(config: WeirConfig) {
    this.#compression = config.lake.compression;
    this.#fingerprint = configFingerprint(config);
  }

  /**
   * @param next first record that was not taken
   * @throws RouterError UNBALANCED, BAD_COMMIT; never for what the records hold
   */
  write(contents: BatchContents, next?: string): RoutedBatch {
    const { id, arrived, records, bytes, userRecords, types, quarantined, sources, contested } = contents;
    const written = [
      ...this.#typeObjects(types, id, arrived.from),
      ...(quarantined.length > 0 ? [this.#quarantineObject(quarantined, id, arrived.from)] : []),
    ];
    const commit: Commit = {
      version: 2,
      batchId: batchName(id),
      ...id,
      config: this.#fingerprint,
      arrivedFrom: arrived.from.toISOString(),
      arrivedTo: arrived.to.toISOString(),
      records,
      userRecords,
      quarantined: quarantined.length,
      bytes,
      objects: written.map(({ object }) => object),
      sources: [...sources],
      types: Object.fromEntries(types.map(({ name, counts }) => [name, counts])),
      ...(contents.consumed && { consumed: contents.consumed }),
    };
    assertReadable(commit);
    const objects = written.map(({ object: { key }, body }) => ({ key, body }));
    return { id, objects, commit, quarantined: quarantineReasons(quarantined), contested, next };
  }

  *#typeObjects(types: readonly TypeBatch[], id: BatchId, arrivedAt: Date): Generator<WrittenObject> {
    const compression = this.#compression;
    const hours = types.reduce((sum, { hourCount }) => sum + hourCount, 0);
    const maxHours = hours > MAX_ROW_OBJECTS ? FEW_HOURS : Infinity;
    for (const type of types) {
      type.assertBalanced();
      for (const { hour, pieces, rows, from, to } of type.hours(maxHours, arrivedAt)) {
        const body = compress(pieces, compression);
        giveBack(pieces);
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
    const compression = this.#compression;
    const lines = quarantined.map((one) => quarantineLine(one, id.origin));
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

/**
 * Half of what level 1 takes for its table of matches: 32 KiB are as much as a processor's first cache holds. Rows repeat
 * themselves at once, so that it packs them as well, in a quarter less time. Measured 2026-11.
 */
const ZSTD_HASH_LOG = 13;

/**
 * One frame or member, the same bytes for the same lines. zstd at level 1 takes half the CPU of gzip at
 * level 1 and packs better.
 */
function compress(pieces: readonly Buffer[], codec: Codec): Buffer {
  const bytes = join(pieces);
  return codec === "gzip" ? gzipSync(bytes) : zstd(bytes);
}

/** One frame of rows. */
export function zstd(bytes: Uint8Array): Buffer {
  const params = {
    [constants.ZSTD_c_compressionLevel]: 1,
    [constants.ZSTD_c_hashLog]: ZSTD_HASH_LOG,
  };
  return zstdCompressSync(bytes, { params, chunkSize: zstdMaxBytes(bytes.length) });
}

/**
 * What a frame of so many bytes takes at most: with so much room zstd takes them from where they are, and copies none.
 * source: ZSTD_COMPRESSBOUND, zstd.h 1.5
 */
const zstdMaxBytes = (bytes: number): number =>
  bytes + Math.floor(bytes / 256) + Math.max(0, Math.floor((128 * 2 ** 10 - bytes) / 2_048)) + 64;
