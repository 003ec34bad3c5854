import { pipeline } from "node:stream";
import { constants, createGunzip, createZstdDecompress } from "node:zlib";
import type { ByteInput, Content } from "./byte-input.ts";
import { ForwardError } from "./forward-error.ts";
import type { MessageBudget } from "./message-budget.ts";
import { type ByteBudget, PendingBytes } from "./pending-bytes.ts";
import { WINDOW_MAX_LOG, ZstdFrames } from "./zstd-frames.ts";

export type Codec = "gzip" | "zstd";

/** Bytes that tell a codec. No entry begins with them: it is a list, whose first byte is beyond 0x80. */
export const MAGIC_BYTES = 4;
const GZIP = 0x1f8b;
const ZSTD = 0x28b52ffd;
const SKIPPABLE = 0x2a4d18;
/** What is unpacked at a time, and what a decoder holds besides its window. */
const PIECE_BYTES = 64 * 2 ** 10;
const DECODER_BYTES = 4 * PIECE_BYTES;

/** @returns undefined for what is not compressed, or by something else */
export function codecOf(beginning: Buffer): Codec | undefined {
  if (beginning.length >= 2 && beginning.readUInt16BE(0) === GZIP) return "gzip";
  if (beginning.length < MAGIC_BYTES) return undefined;
  const isSkippable = beginning[0]! >> 4 === 5 && beginning.readUIntBE(1, 3) === SKIPPABLE;
  return isSkippable || beginning.readUInt32BE(0) === ZSTD ? "zstd" : undefined;
}

/**
 * What a content is unpacked to, as it is read: in the background and piece by piece, so that it takes neither
 * the event loop nor memory. A chunk that was appended to is several members, or frames, one after another.
 */
export class Inflated implements ByteInput, Disposable {
  readonly #pending: PendingBytes;
  readonly #budget: ByteBudget;
  readonly #message: MessageBudget;
  readonly #pieces: AsyncIterator<Buffer>;
  /** Memory that the decoder takes, as the budget counts it. */
  #heldBytes = 0;

  constructor(content: Content, codec: Codec, budget: ByteBudget, message: MessageBudget) {
    this.#pending = new PendingBytes(budget);
    this.#budget = budget;
    this.#message = message;
    this.#hold(DECODER_BYTES);
    this.#pieces = codec === "gzip" ? this.#gunzip(content) : this.#unzstd(content);
  }

  get window(): Buffer {
    return this.#pending.bytes;
  }

  consume(bytes: number): void {
    this.#pending.take(bytes);
  }

  async more(): Promise<boolean> {
    const { value, done } = await this.#pieces.next();
    if (done) return false;
    this.#message.inflate(value.length);
    this.#pending.append(value);
    return true;
  }

  async *#gunzip(content: Content): AsyncGenerator<Buffer> {
    const size = content.left;
    const gunzip = createGunzip({ chunkSize: PIECE_BYTES });
    yield* unpacked(chunksOf(content), gunzip, "gzip");
    // It stops at zeros between members, and would pass over what comes after.
    if (gunzip.bytesWritten < size)
      throw new ForwardError("COMPRESSION", "bytes after the end of what is gzip");
  }

  async *#unzstd(content: Content): AsyncGenerator<Buffer> {
    const size = content.left;
    const frames = new ZstdFrames((windowBytes) => {
      this.#message.frame();
      this.#hold(DECODER_BYTES + Math.min(windowBytes, 2 ** WINDOW_MAX_LOG));
    });
    const params = { [constants.ZSTD_d_windowLogMax]: WINDOW_MAX_LOG };
    const decoder = createZstdDecompress({ chunkSize: PIECE_BYTES, params });
    yield* unpacked(framesOf(content, frames), decoder, "zstd");
    if (decoder.bytesWritten < size || !frames.isWhole)
      throw new ForwardError("COMPRESSION", "the last frame of zstd is not whole");
  }

  /** It holds that much for as long as it is there. @throws ForwardError CROWDED */
  #hold(bytes: number): void {
    if (bytes <= this.#heldBytes) return;
    this.#budget.change(bytes - this.#heldBytes);
    this.#heldBytes = bytes;
  }

  [Symbol.dispose](): void {
    void this.#pieces.return?.().catch(() => {});
    this.#pending.clear();
    this.#budget.change(-this.#heldBytes);
    this.#heldBytes = 0;
  }
}

async function* unpacked(
  chunks: AsyncIterable<Buffer>,
  decoder: NodeJS.ReadWriteStream,
  codec: Codec,
): AsyncGenerator<Buffer> {
  try {
    yield* pipeline(chunks, decoder, () => {}) as AsyncIterable<Buffer>;
  } catch (cause) {
    const { code = "" } = cause as NodeJS.ErrnoException;
    if (!code.startsWith("Z_") && !code.startsWith("ZSTD_")) throw cause;
    throw new ForwardError("COMPRESSION", `the ${codec} entries do not unpack`, { cause });
  }
}

async function* chunksOf(content: Content): AsyncGenerator<Buffer> {
  do {
    const { window } = content;
    content.consume(window.length);
    yield window;
  } while (await content.more());
}

/** zlib's decoder stops where a frame ends, and goes on with the next one only in another chunk. */
async function* framesOf(content: Content, frames: ZstdFrames): AsyncGenerator<Buffer> {
  for await (const chunk of chunksOf(content)) yield* frames.pieces(chunk);
}
