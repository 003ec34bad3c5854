import { isUtf8 } from "node:buffer";
import { gunzipSync, inflateSync, zstdDecompressSync, type ZlibOptions, type ZstdOptions } from "node:zlib";
import { inflatedMaxBytes } from "./limits.ts";
import { SNAPPY_STREAM, unpackSnappyBlock, unpackSnappyStream } from "./snappy.ts";
import { WireError } from "./wire-error.ts";

/**
 * What producers compress records with, told by the first bytes:
 *
 * gzip  1F 8B 08                       RFC 1952, 2.3.1; any number of members
 * zlib  78 01 | 78 5E | 78 9C | 78 DA  RFC 1950, 2.2: a window of 32 KiB, no dictionary
 * zstd  28 B5 2F FD | 5x 2A 4D 18      RFC 8878, 3.1: any number of frames, skippable ones among them
 * snappy  FF 06 00 00 "sNaPpY"         a stream of frames; a block alone has no magic bytes (snappy.ts)
 *
 * The first bytes of zlib alone may also begin a text ("x^2").
 */
export type Compression = "gzip" | "zlib" | "zstd" | "snappy" | "snappy-block";

export function compressionOf(data: Uint8Array): Compression | undefined {
  const [a, b, c, d] = data;
  if (a === 0x1f && b === 0x8b && c === 0x08) return "gzip";
  if (a === 0x78 && (b === 0x01 || b === 0x5e || b === 0x9c || b === 0xda)) return "zlib";
  if (a === 0x28 && b === 0xb5 && c === 0x2f && d === 0xfd) return "zstd";
  if (a !== undefined && a >= 0x50 && a <= 0x5f && b === 0x2a && c === 0x4d && d === 0x18) return "zstd";
  if (a === 0xff && SNAPPY_STREAM.every((byte, i) => data[i] === byte)) return "snappy";
  return !isUtf8(data) && unpackSnappyBlock(data, 0) !== undefined ? "snappy-block" : undefined;
}

/** First bytes of what producers use and nothing here reads. */
const UNSUPPORTED: readonly (readonly [name: string, magic: Buffer])[] = [
  ["lz4", Buffer.from("04224d18", "hex")],
  ["xz", Buffer.from("fd377a585a00", "hex")],
];

/** @throws WireError UNSUPPORTED_COMPRESSION */
export function refuseUnsupported(data: Uint8Array): void {
  const known = UNSUPPORTED.find(([, magic]) => magic.every((byte, i) => data[i] === byte));
  if (known === undefined) return;
  const message = `compressed with ${known[0]}; gzip, zlib, zstd and snappy can be read`;
  throw new WireError("UNSUPPORTED_COMPRESSION", message);
}

/** Each costs a call, however few bytes it unpacks to. */
const FRAMES_MAX = 1_000;

/** Failed attempts that one record pays for: each may have unpacked as much as was left. */
const FAILURES_MAX = 16;

/** What may still be unpacked of one Kinesis record, over all its layers and user records. */
export class InflateBudget {
  readonly #maxBytes: number;
  #left: number;

  /** @param bytes of the record */
  constructor(bytes: number) {
    this.#maxBytes = inflatedMaxBytes(bytes);
    this.#left = this.#maxBytes;
  }

  /**
   * Unpacks all frames, members or streams, one after the other.
   *
   * @throws WireError BAD_COMPRESSION, INFLATED_TOO_LARGE; nothing of it may then be used
   */
  inflate(data: Uint8Array, compression: Compression): Buffer {
    try {
      return this.#inflate(data, compression);
    } catch (error) {
      this.#left -= this.#maxBytes / FAILURES_MAX;
      throw error;
    }
  }

  #inflate(data: Uint8Array, compression: Compression): Buffer {
    const pieces: Buffer[] = [];
    for (let at = 0; at < data.length;) {
      const rest = data.subarray(at);
      if (compressionOf(rest) !== compression) {
        throw new WireError("BAD_COMPRESSION", `what follows the ${compression} data is none`, at);
      }
      if (pieces.length === FRAMES_MAX) {
        throw new WireError("BAD_COMPRESSION", `more than ${FRAMES_MAX} ${compression} frames`, at);
      }
      const { buffer, read } = this.#inflateFrame(rest, compression);
      this.#left -= buffer.length;
      pieces.push(buffer);
      at += read;
    }
    return pieces.length === 1 ? pieces[0]! : Buffer.concat(pieces);
  }

  #inflateFrame(data: Uint8Array, compression: Compression): { buffer: Buffer; read: number } {
    if (this.#left < 1) throw this.#tooLarge();
    try {
      const { buffer, engine } = INFLATE[compression](data, {
        maxOutputLength: Math.floor(this.#left),
        info: true,
      });
      return { buffer, read: engine.bytesWritten };
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code === "ERR_BUFFER_TOO_LARGE") throw this.#tooLarge(cause);
      const message = `the ${compression} data does not unpack: ${(cause as Error).message}`;
      throw new WireError("BAD_COMPRESSION", message, undefined, { cause });
    }
  }

  #tooLarge(cause?: unknown): WireError {
    return new WireError("INFLATED_TOO_LARGE", `unpacks to more than ${this.#maxBytes} bytes`, undefined, {
      cause,
    });
  }
}

/** With `info` the answer says how many bytes were read; Node's types leave that out. */
type Inflate = (
  data: Uint8Array,
  options: (ZlibOptions | ZstdOptions) & { info: true },
) => { buffer: Buffer; engine: { bytesWritten: number } };

const INFLATE = {
  gzip: gunzipSync,
  zlib: inflateSync,
  zstd: zstdDecompressSync,
  snappy: unpacked(unpackSnappyStream),
  "snappy-block": unpacked(unpackSnappyBlock),
} as unknown as Readonly<Record<Compression, Inflate>>;

/** Unpacks all of the data, as the others do, with errors like theirs. */
function unpacked(unpack: typeof unpackSnappyStream) {
  return (data: Uint8Array, { maxOutputLength }: { maxOutputLength: number }): ReturnType<Inflate> => {
    const buffer = unpack(data, maxOutputLength);
    if (buffer === "too-large") {
      throw Object.assign(new RangeError("too large"), { code: "ERR_BUFFER_TOO_LARGE" });
    }
    if (buffer === undefined) throw new Error("a frame is cut or damaged");
    return { buffer, engine: { bytesWritten: data.length } };
  };
}
