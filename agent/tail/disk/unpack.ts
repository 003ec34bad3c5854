import { pipeline, Readable } from "node:stream";
import { constants, createGunzip, createZstdDecompress, type Gunzip, type ZstdDecompress } from "node:zlib";
import type { OpenFile } from "./open-file.ts";

const BLOCK_BYTES = 64 * 2 ** 10;

/** Largest window, 8 MiB: what every decoder is to support, and `zstd -19` asks for. source: RFC 8878 */
const ZSTD_WINDOW_LOG = 23;

const FORMATS = [".gz", ".zst"] as const;
type Format = (typeof FORMATS)[number];

/** @returns undefined for a file that is not compressed, by its name */
export function formatOf(path: string): Format | undefined {
  return FORMATS.find((ending) => path.endsWith(ending));
}

/**
 * The bytes that a compressed file stands for, a block at a time.
 *
 * @throws when it is damaged, or not complete
 */
export async function* unpack(file: OpenFile, format: Format, bytes: number): AsyncGenerator<Buffer> {
  for (let from = 0, isFirst = true; from < bytes || isFirst; isFirst = false) {
    const decoder: Gunzip | ZstdDecompress =
      format === ".gz"
        ? createGunzip({ chunkSize: BLOCK_BYTES })
        : createZstdDecompress({
            chunkSize: BLOCK_BYTES,
            params: { [constants.ZSTD_d_windowLogMax]: ZSTD_WINDOW_LOG },
          });
    // What goes wrong is thrown by the decoder that is read from.
    pipeline(Readable.from(blocks(file, from, bytes)), decoder, () => {});
    for await (const block of decoder) yield block as Buffer;
    // zstd's decoder ends with its frame, and there may be more of them; gzip's takes every member.
    if (format === ".gz") return;
    from += decoder.bytesWritten;
  }
}

async function* blocks(file: OpenFile, from: number, end: number): AsyncGenerator<Buffer> {
  for (let at = from; at < end;) {
    const block = Buffer.allocUnsafe(Math.min(BLOCK_BYTES, end - at));
    const read = await file.readAt(block, at);
    if (read === 0) return;
    yield block.subarray(0, read);
    at += read;
  }
}
