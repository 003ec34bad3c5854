import { constants, createGunzip, createZstdDecompress, gzipSync, zstdCompressSync } from "node:zlib";
import type { Readable } from "node:stream";
import { codecOf } from "../../wire/keys.ts";
import { zstdFrameEnd } from "../../wire/zstd-frame.ts";

/** An object that cannot be read as lines, which therefore stays as it is. */
export class UnreadableObject extends Error {
  override name = "UnreadableObject";
  readonly key: string;

  constructor(key: string, why: string, options?: ErrorOptions) {
    super(`${key}: ${why}`, options);
    this.key = key;
  }
}

/** What an object may unpack to. Routers make none larger than an eighth of their memory, of 10 GB at most. */
const UNPACKED_MAX_BYTES = 1.25 * 2 ** 30;
const LF = 0x0a;

/** The lines of an object, each with its line feed. @throws UnreadableObject */
export async function linesOf(key: string, packed: Buffer): Promise<Buffer[]> {
  const lines: Buffer[] = [];
  let rest: Buffer = Buffer.alloc(0);
  let bytes = 0;
  try {
    for await (const chunk of unpacked(key, packed)) {
      bytes += chunk.length;
      if (bytes > UNPACKED_MAX_BYTES)
        throw new UnreadableObject(key, `it unpacks to over ${UNPACKED_MAX_BYTES} bytes`);
      const piece = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
      let start = 0;
      for (let end = piece.indexOf(LF); end >= 0; end = piece.indexOf(LF, start)) {
        lines.push(piece.subarray(start, end + 1));
        start = end + 1;
      }
      rest = piece.subarray(start);
    }
  } catch (error) {
    if (error instanceof UnreadableObject) throw error;
    throw new UnreadableObject(key, `it does not unpack: ${(error as Error).message}`, { cause: error });
  }
  if (rest.length > 0) throw new UnreadableObject(key, "it ends within a line");
  return lines;
}

/** Node's decoder of zstd stops at the end of a frame in silence, so each has one of its own. */
async function* unpacked(key: string, packed: Buffer): AsyncGenerator<Buffer> {
  if (codecOf(key) === "gzip") {
    yield* through(createGunzip(), packed);
    return;
  }
  for (let at = 0; at < packed.length;) {
    const end = zstdFrameEnd(packed.subarray(at));
    if (end === undefined) throw new UnreadableObject(key, "it is cut off");
    yield* through(createZstdDecompress(), packed.subarray(at, at + end));
    at += end;
  }
}

async function* through(decoder: NodeJS.ReadWriteStream, packed: Buffer): AsyncGenerator<Buffer> {
  decoder.end(packed);
  yield* decoder as unknown as Readable as AsyncIterable<Buffer>;
}

/** The lines as an object of the same codec, as routers pack them. */
export function packedLines(key: string, lines: readonly Buffer[]): Buffer {
  const bytes = Buffer.concat(lines);
  if (codecOf(key) === "gzip") return gzipSync(bytes);
  return zstdCompressSync(bytes, { params: { [constants.ZSTD_c_compressionLevel]: 1 } });
}

/** Small files of an erasure, which COPY reads as well: a line each. */
export function packedNdjson(values: readonly object[]): Buffer {
  return zstdCompressSync(values.map((value) => `${JSON.stringify(value)}\n`).join(""));
}
