import type { Readable } from "node:stream";
import { createGunzip, createZstdDecompress } from "node:zlib";
import { codecOf } from "../../wire/keys.ts";
import { zstdFrameEnd } from "../../wire/zstd-frame.ts";
import { boundedLines } from "./bounded-lines.ts";

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
/** The longest line is one of base64, of what a record may unpack to. */
const LINE_MAX_BYTES = 128 * 2 ** 20;

/**
 * The lines of an object, without their line feeds, as they unpack.
 *
 * @throws UnreadableObject for what is spoilt or cut off, at the latest after the last line
 */
export async function* objectLines(key: string, packed: Buffer): AsyncGenerator<Buffer> {
  const limits = {
    maxBytes: LINE_MAX_BYTES,
    tooLong: (bytes: number) => new UnreadableObject(key, `it has a line of over ${bytes} bytes`),
    cutOff: () => new UnreadableObject(key, "it ends within a line"),
  };
  try {
    yield* boundedLines(unpacked(key, packed), limits);
  } catch (error) {
    if (error instanceof UnreadableObject) throw error;
    throw new UnreadableObject(key, `it does not unpack: ${(error as Error).message}`, { cause: error });
  }
}

async function* unpacked(key: string, packed: Buffer): AsyncGenerator<Buffer> {
  let bytes = 0;
  for await (const chunk of chunks(key, packed)) {
    bytes += chunk.length;
    if (bytes > UNPACKED_MAX_BYTES)
      throw new UnreadableObject(key, `it unpacks to over ${UNPACKED_MAX_BYTES} bytes`);
    yield chunk;
  }
}

/** Node's decoder of zstd stops at the end of a frame in silence, so each has one of its own. */
async function* chunks(key: string, packed: Buffer): AsyncGenerator<Buffer> {
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
