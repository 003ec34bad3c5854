import { isUtf8 } from "node:buffer";
import { constants, zstdCompressSync } from "node:zlib";
import type { UserRecord } from "./aggregate.ts";
import { type Compression, compressionOf, InflateBudget, refuseUnsupported } from "./compression.ts";
import { deaggregate, isAggregate } from "./deaggregate.ts";
import { WireError } from "./wire-error.ts";

/**
 * record := aggregate | gzip, zlib or zstd of a record | anything else: one plain user record
 *
 * An agent sends aggregates, or zstd frames of them. compression.ts says how compressed ones are told.
 */
export interface Envelope {
  readonly kind: "aggregate" | "plain";
  readonly userRecords: readonly UserRecord[];
}

/** Compression within compression. A producer has a reason for one layer, and an agent of its own for another. */
const LAYERS_MAX = 3;

/**
 * The user records of one Kinesis record, whoever produced it.
 *
 * @param partitionKey of the Kinesis record: that of a plain record's one user record
 * @param budget of the whole record, where this is a part of one
 * @throws WireError for a corrupt aggregate or frame; nothing of it may then be used
 */
export function openEnvelope(
  data: Uint8Array,
  partitionKey: string,
  budget: InflateBudget = new InflateBudget(data.length),
): Envelope {
  let inner = data;
  for (let layers = 0; !isAggregate(inner); layers++) {
    const compression = compressionOf(inner);
    if (compression === undefined) return plain(inner, partitionKey);
    if (layers === LAYERS_MAX) {
      throw new WireError("TOO_DEEP", `compressed more than ${LAYERS_MAX} times over`);
    }
    const unpacked = inflate(inner, compression, budget);
    if (unpacked === undefined) return plain(inner, partitionKey);
    inner = unpacked;
  }
  return { kind: "aggregate", userRecords: deaggregate(inner) };
}

/** @throws WireError UNSUPPORTED_COMPRESSION */
function plain(data: Uint8Array, partitionKey: string): Envelope {
  refuseUnsupported(data);
  return {
    kind: "plain",
    userRecords: [{ partitionKey, explicitHashKey: undefined, data, tags: [] }],
  };
}

/** @returns undefined for a text that only begins like zlib */
function inflate(data: Uint8Array, compression: Compression, budget: InflateBudget): Buffer | undefined {
  try {
    return budget.inflate(data, compression);
  } catch (error) {
    if (compression === "zlib" && isUtf8(data)) return undefined;
    throw error;
  }
}

/** Three quarters of the CPU of the default level 3, and log lines pack as well. Measured 2026-11. */
const ZSTD_LEVEL = 1;

/**
 * Written at a time: more than an aggregate packs to as a rule. What is not written to never becomes resident, and
 * an allocator gives a buffer of this size back to the system; 64 KiB at a time left 15 MB in pieces.
 */
const ZSTD_CHUNK_BYTES = 256 * 2 ** 10;

/** The zstd form of an aggregate. */
export function deflate(aggregate: Uint8Array): Buffer {
  const params = { [constants.ZSTD_c_compressionLevel]: ZSTD_LEVEL };
  return zstdCompressSync(aggregate, { params, chunkSize: ZSTD_CHUNK_BYTES });
}
