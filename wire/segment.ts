import { createHash } from "node:crypto";
import { constants, createZstdCompress, zstdCompressSync, zstdDecompressSync } from "node:zlib";
import * as z from "zod";
import { WireError } from "./wire-error.ts";
import { zstdFrameEnd } from "./zstd-frame.ts";

/**
 * A segment of the log of commits: some commits, in the order in which they were found.
 *
 * segment := frame of (head LF)  frame of { entry }     two zstd frames, which unpack to NDJSON
 *
 * The head has a frame of its own, so that it can be read without the rest. Entries: segment-entry.ts. Keys:
 * segmentKey() in keys.ts.
 */

const count = z.int().min(0);

export const segmentHeadSchema = z.object({
  version: z.literal(1),
  /** Number of this segment. They begin with 1 and have no holes. */
  segment: z.int().min(1),
  /** Found by the listing of what is new, or by the sweep of all keys, which finds what appeared late. */
  found: z.enum(["listing", "sweep"]),
  /** Entries. */
  commits: count,
  /** Entries whose types, hours and hosts are not among those named here: nobody could read them. */
  opaque: count,
  /** Bytes of all lines of entries, unpacked, line feeds included. */
  bytes: count,
  sequencedAt: z.iso.datetime(),
  /** All commits whose keys sort before this, but for those that appeared late, are in the log up to here. */
  coveredTo: z.string(),
  /** The greatest key that a listing has found, in this segment or in any before it. "": none. */
  listedTo: z.string(),
  /** The greatest key that a sweep has found, in this segment or in any before it. "": none. */
  sweptTo: z.string(),
  /** Number of the sweep's last segment before this one; 0: none. They are a chain. */
  sweepBefore: count,
  /** Minutes of the commits' keys. Absent where no key tells one. */
  oldest: z.iso.datetime().optional(),
  newest: z.iso.datetime().optional(),
  /** Log types, hours (YYYY-MM-DDTHH) of rows, and hosts. Absent where they are very many. */
  types: z.array(z.string()).optional(),
  hours: z.array(z.string()).optional(),
  hosts: z.array(z.string()).optional(),
  /** keyDigest() of the entries' keys, in order, in base64. */
  keys: z.base64(),
});

export type SegmentHead = z.output<typeof segmentHeadSchema>;

/**
 * A head, packed: a million entries, of which digests take 16 bytes each, and thousands of hosts with
 * long names would fit. Ours, so that reading one has a limit.
 */
export const HEAD_MAX_BYTES = 20 * 2 ** 20;

const DIGEST_BYTES = 12;

/** Names a key in 96 bits, so that no two keys of a billion have the same (probability 10^-11). */
export function keyDigest(key: string): string {
  return createHash("sha256").update(key).digest().toString("latin1", 0, DIGEST_BYTES);
}

/** Digests of the entries' keys, in order, as keyDigest() gives them. */
export function headDigests({ keys }: Pick<SegmentHead, "keys">): string[] {
  const bytes = Buffer.from(keys, "base64");
  return Array.from({ length: bytes.length / DIGEST_BYTES }, (_, i) =>
    bytes.toString("latin1", i * DIGEST_BYTES, (i + 1) * DIGEST_BYTES),
  );
}

/** The `keys` of a head. */
export function headKeys(digests: readonly string[]): string {
  return Buffer.from(digests.join(""), "latin1").toString("base64");
}

const PARAMS = { [constants.ZSTD_c_checksumFlag]: 1 };

/** Each call of the compressor costs a turn of the event loop. */
const PACKED_AT_ONCE_BYTES = 512 * 2 ** 10;

/** Packs a segment's lines as they come, so that only what they pack to is held. */
export class SegmentEncoder {
  readonly #frame = createZstdCompress({ params: PARAMS });
  readonly #packed: Buffer[] = [];
  readonly #ended: Promise<void>;
  #lines: Buffer[] = [];
  #bytes = 0;

  constructor() {
    this.#frame.on("data", (chunk: Buffer) => this.#packed.push(chunk));
    this.#ended = new Promise((resolve, reject) => {
      this.#frame.once("end", resolve).once("error", reject);
    });
  }

  /** @returns once there is room for another line */
  async write(line: Buffer): Promise<void> {
    this.#lines.push(line);
    this.#bytes += line.length;
    if (this.#bytes >= PACKED_AT_ONCE_BYTES) await this.#pack();
  }

  #pack(): Promise<void> {
    const lines = Buffer.concat(this.#lines);
    this.#lines = [];
    this.#bytes = 0;
    return new Promise((resolve, reject) => {
      this.#frame.write(lines, (error) => (error ? reject(error) : resolve()));
    });
  }

  /** The whole segment. Nothing can be written after. */
  async end(head: SegmentHead): Promise<Buffer> {
    if (this.#bytes > 0) await this.#pack();
    this.#frame.end();
    await this.#ended;
    const text = Buffer.from(`${JSON.stringify(head)}\n`);
    return Buffer.concat([zstdCompressSync(text, { params: PARAMS }), ...this.#packed]);
  }
}

/**
 * The head at the beginning of a segment, and where the frame of the entries begins.
 *
 * @param bytes the segment, or as much of it as is there
 * @param key named in the error
 * @returns undefined when the head is longer than what is there
 * @throws WireError BAD_SEGMENT
 */
export function parseHead(bytes: Buffer, key: string): { head: SegmentHead; end: number } | undefined {
  try {
    const end = zstdFrameEnd(bytes);
    if (end === undefined && bytes.length <= HEAD_MAX_BYTES) return undefined;
    const text = zstdDecompressSync(bytes.subarray(0, end), { maxOutputLength: HEAD_MAX_BYTES });
    return { head: segmentHeadSchema.parse(JSON.parse(text.toString())), end: end! };
  } catch (cause) {
    throw new WireError("BAD_SEGMENT", `${key} has no head of a segment`, undefined, { cause });
  }
}
