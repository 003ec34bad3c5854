import { constants, createZstdCompress } from "node:zlib";
import { ZSTD_PARAMS } from "../../wire/envelope.ts";
import { zstdFrameEnd } from "../../wire/zstd-frame.ts";

/** Frames lie in a chunk one after the other. glibc's allocator gives one of this size back to the system. */
const CHUNK_BYTES = 256 * 2 ** 10;

/**
 * Compresses aggregates, each into a frame of zstd, in one context that is kept. A context made for each of them
 * costs as much in pages that the system clears, and in garbage that V8 looks for, as compressing does.
 */
export class FrameCompressor {
  readonly #stream = createZstdCompress({
    params: ZSTD_PARAMS,
    chunkSize: CHUNK_BYTES,
    // Every write is a frame of its own.
    flush: constants.ZSTD_e_end,
  });
  readonly #take: (bytes: number) => Buffer;
  #parts: Buffer[] = [];

  /** @param take gives a buffer of so many bytes for a frame: a chunk that frames stay in would stay as long as they do */
  constructor(take: (bytes: number) => Buffer) {
    this.#take = take;
    this.#stream.on("data", (part: Buffer) => this.#parts.push(part));
  }

  /**
   * Call for the next once the frame is there.
   *
   * @param data not to be written to meanwhile
   * @throws what zlib fails with; everything after that fails, too
   */
  compress(data: Buffer): Promise<Buffer> {
    return new Promise((resolve, reject) => {
      this.#stream.once("error", reject);
      this.#stream.write(data, (error) => {
        this.#stream.off("error", reject);
        if (error) reject(error);
        else resolve(this.#takeFrame());
      });
    });
  }

  /** Cuts off what follows the frame: where it ends with a chunk, zlib ends another one, of nothing, in the next. */
  #takeFrame(): Buffer {
    const parts = this.#parts;
    this.#parts = [];
    const frame = this.#take(parts.reduce((sum, { length }) => sum + length, 0));
    let at = 0;
    for (const part of parts) at += part.copy(frame, at);
    return frame.subarray(0, zstdFrameEnd(frame));
  }

  close(): void {
    this.#stream.destroy();
  }
}
