import { constants, zstdCompressSync, zstdDecompressSync } from "node:zlib";
import type { UserRecord } from "./aggregate.ts";
import { deaggregate, isAggregate } from "./deaggregate.ts";
import { inflatedMaxBytes } from "./limits.ts";
import { WireError } from "./wire-error.ts";

/**
 * record := aggregate | zstd frame of an aggregate | anything else: one plain user record
 *
 * zstd frames begin with 28 B5 2F FD (RFC 8878, 3.1.1).
 */
const ZSTD_MAGIC = Uint8Array.of(0x28, 0xb5, 0x2f, 0xfd);

export interface Envelope {
  readonly kind: "aggregate" | "plain";
  readonly userRecords: readonly UserRecord[];
}

/**
 * The user records of one Kinesis record, whoever produced it.
 *
 * @param partitionKey of the Kinesis record: that of a plain record's one user record
 * @throws WireError for a corrupt aggregate or frame; nothing of it may then be used
 */
export function openEnvelope(data: Uint8Array, partitionKey: string): Envelope {
  if (isAggregate(data)) return { kind: "aggregate", userRecords: deaggregate(data) };
  if (isZstd(data)) return { kind: "aggregate", userRecords: deaggregate(inflate(data)) };
  return {
    kind: "plain",
    userRecords: [{ partitionKey, explicitHashKey: undefined, data, tags: [] }],
  };
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

function isZstd(data: Uint8Array): boolean {
  return data.length >= ZSTD_MAGIC.length && ZSTD_MAGIC.every((byte, i) => data[i] === byte);
}

function inflate(data: Uint8Array): Buffer {
  const maxOutputLength = inflatedMaxBytes(data.length);
  try {
    return zstdDecompressSync(data, { maxOutputLength });
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === "ERR_BUFFER_TOO_LARGE") {
      const message = `${data.length} bytes unpack to more than ${maxOutputLength}`;
      throw new WireError("INFLATED_TOO_LARGE", message, undefined, { cause });
    }
    throw new WireError("BAD_COMPRESSION", "the zstd frame does not unpack", undefined, { cause });
  }
}
