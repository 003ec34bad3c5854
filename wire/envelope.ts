import { isUtf8 } from "node:buffer";
import { constants, zstdCompressSync } from "node:zlib";
import type { AggregateRecords } from "./aggregate-records.ts";
import type { UserRecord } from "./aggregate.ts";
import { type Compression, compressionOf, InflateBudget, refuseUnsupported } from "./compression.ts";
import { isAggregate, readAggregate } from "./deaggregate.ts";
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

/** The same, with records of an aggregate as places in its bytes. */
export type OpenEnvelope =
  | { readonly kind: "aggregate"; readonly records: AggregateRecords }
  | { readonly kind: "plain"; readonly data: Uint8Array };

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
  const opened = unwrap(data, budget);
  if (opened.kind === "aggregate") return { kind: "aggregate", userRecords: [...opened.records] };
  const userRecord = { partitionKey, explicitHashKey: undefined, data: opened.data, tags: [] };
  return { kind: "plain", userRecords: [userRecord] };
}

/** Opens what `openEnvelope` does. @param sound aggregates whose digest is known to match @throws WireError as `openEnvelope` */
export function unwrap(
  data: Uint8Array,
  budget: InflateBudget,
  sound?: ReadonlySet<Uint8Array>,
): OpenEnvelope {
  let inner = data;
  for (let layers = 0; !isAggregate(inner); layers++) {
    const compression = compressionOf(inner);
    if (compression === undefined) return plain(inner);
    if (layers === LAYERS_MAX) {
      throw new WireError("TOO_DEEP", `compressed more than ${LAYERS_MAX} times over`);
    }
    const unpacked = inflate(inner, compression, budget);
    if (unpacked === undefined) return plain(inner);
    inner = unpacked;
  }
  return { kind: "aggregate", records: readAggregate(inner, sound) };
}

/** @throws WireError UNSUPPORTED_COMPRESSION */
function plain(data: Uint8Array): OpenEnvelope {
  refuseUnsupported(data);
  return { kind: "plain", data };
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

/** Level 1 takes three quarters of the CPU of the default, 3, and log lines pack as well. Measured 2026-11. */
export const ZSTD_PARAMS = { [constants.ZSTD_c_compressionLevel]: 1 };

/** The zstd form of an aggregate. */
export function deflate(aggregate: Uint8Array): Buffer {
  return zstdCompressSync(aggregate, { params: ZSTD_PARAMS });
}
