import { createReadStream } from "node:fs";
import { open } from "node:fs/promises";
import type { Readable } from "node:stream";
import { createGunzip, createZstdDecompress } from "node:zlib";
import { LINE_MAX_BYTES } from "../../lambdas/router/file-line.ts";
import { AccessError } from "../access/access-error.ts";

/** A line of a file, without its line feed. */
export interface FileLine {
  readonly file: string;
  /** From 1 on; undefined where the file was not read from its beginning. */
  readonly number: number | undefined;
  /** Of its first byte, in what is unpacked. */
  readonly offset: number;
  readonly data: Buffer;
}

const LINE_FEED = 0x0a;
const GZIP = Buffer.from([0x1f, 0x8b]);
const ZSTD = Buffer.from([0x28, 0xb5, 0x2f, 0xfd]);
const MAGIC_BYTES = 4;

/**
 * Lines of a file, of one packed with gzip or zstd, or of stdin, whose name is "-". What a line has beyond what the router
 * takes is left out.
 *
 * @throws AccessError BAD_REQUEST for a file that cannot be read
 */
export async function* readLines(file: string): AsyncGenerator<FileLine> {
  const name = file === "-" ? "stdin" : file;
  let [number, offset] = [1, 0];
  let pieces: Buffer[] = [];
  let bytes = 0;
  const line = (): FileLine => ({ file: name, number, offset, data: Buffer.concat(pieces) });
  const keep = (piece: Buffer): void => {
    if (bytes <= LINE_MAX_BYTES) pieces.push(piece);
    bytes += piece.length;
  };
  try {
    for await (const chunk of file === "-" ? process.stdin : await unpacked(file)) {
      const buffer = chunk as Buffer;
      for (let at = 0; at < buffer.length;) {
        const feed = buffer.indexOf(LINE_FEED, at);
        keep(buffer.subarray(at, feed < 0 ? buffer.length : feed));
        if (feed < 0) break;
        yield line();
        [number, offset, pieces, bytes, at] = [number + 1, offset + bytes + 1, [], 0, feed + 1];
      }
    }
  } catch (cause) {
    throw new AccessError("BAD_REQUEST", `${name} cannot be read: ${(cause as Error).message}`, undefined, {
      cause,
    });
  }
  if (bytes > 0) yield line();
}

async function unpacked(file: string): Promise<Readable> {
  const magic = await beginning(file);
  const stream = createReadStream(file);
  const unpack = magic.subarray(0, GZIP.length).equals(GZIP)
    ? createGunzip()
    : magic.equals(ZSTD)
      ? createZstdDecompress()
      : undefined;
  if (unpack === undefined) return stream;
  stream.on("error", (error) => unpack.destroy(error));
  return stream.pipe(unpack);
}

/** The first bytes of a file. */
async function beginning(file: string): Promise<Buffer> {
  await using handle = await open(file);
  const { buffer, bytesRead } = await handle.read({ buffer: Buffer.alloc(MAGIC_BYTES) });
  return buffer.subarray(0, bytesRead);
}

/** Whether a file is packed in a way that is unpacked here. */
export async function isPacked(file: string): Promise<boolean> {
  const magic = await beginning(file);
  return magic.subarray(0, GZIP.length).equals(GZIP) || magic.equals(ZSTD);
}
