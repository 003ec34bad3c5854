import { ForwardError } from "./forward-error.ts";

/**
 * frame     := magic(u32, fd2fb528) descriptor(u8) window(u8)? dictionary(0, 1, 2 or 4) contentSize(0, 1, 2, 4 or 8)
 *              { block } checksum(u32)?
 * block     := header(u24: isLast(1) type(2) size(21)) content(size bytes, of type 1 one)
 * skippable := magic(u32, 184d2a5x) size(u32) content
 *
 * Numbers are little-endian. source: RFC 8878, section 3, read 2026-11
 */
const MAGIC = 0xfd2fb528;
const SKIPPABLE = 0x184d2a50;
const RUN_LENGTH = 1;
/** A frame that needs more of what came before is refused: RFC 8878 asks decoders for this much. */
export const WINDOW_MAX_LOG = 23;

/** What is due after the bytes to pass over: a frame, a block of one, or nothing more of it. */
type State = "frame" | "block" | "end";

/** Finds where frames end: zlib's decoder stops at each, and says nothing of what comes after. */
export class ZstdFrames {
  #state: State = "frame";
  /** Bytes that are there of the head that is due. */
  #head = Buffer.alloc(0);
  /** To pass over. */
  #left = 0;
  #hasChecksum = false;
  readonly #onFrame: (windowBytes: number) => void;

  /** @param onFrame told of each as it begins, and how much memory it asks for; may throw */
  constructor(onFrame: (windowBytes: number) => void) {
    this.#onFrame = onFrame;
  }

  /** Whether the bytes that came so far are whole frames. */
  get isWhole(): boolean {
    return this.#state === "frame" && this.#left === 0 && this.#head.length === 0;
  }

  /** Pieces of a chunk, none of which goes on after the end of a frame. @throws ForwardError COMPRESSION */
  *pieces(chunk: Buffer): Generator<Buffer> {
    let start = 0;
    for (let at = 0; at < chunk.length;) {
      at += this.#advance(chunk, at);
      if (!this.isWhole) continue;
      yield chunk.subarray(start, at);
      start = at;
    }
    if (start < chunk.length) yield chunk.subarray(start);
  }

  /** @returns of how many bytes at `at` it has taken note */
  #advance(chunk: Buffer, at: number): number {
    if (this.#left > 0) {
      const passed = Math.min(this.#left, chunk.length - at);
      this.#left -= passed;
      if (this.#left === 0 && this.#state === "end") this.#state = "frame";
      return passed;
    }
    this.#head = Buffer.concat([this.#head, chunk.subarray(at, at + 1)]);
    if (this.#state === "block") this.#readBlock();
    else this.#readFrame();
    return 1;
  }

  #readFrame(): void {
    const head = this.#head;
    if (head.length < 5) return;
    const magic = head.readUInt32LE(0);
    if ((magic & ~0xf) >>> 0 === SKIPPABLE) {
      if (head.length === 8) this.#begin(head.readUInt32LE(4), "end", 0);
      return;
    }
    if (magic !== MAGIC) throw new ForwardError("COMPRESSION", "bytes that are no frame of zstd");
    const descriptor = head[4]!;
    const isSingle = (descriptor & 0x20) !== 0;
    const sizeFlag = descriptor >> 6;
    const sizeBytes = sizeFlag === 0 ? (isSingle ? 1 : 0) : 1 << sizeFlag;
    const sizeAt = 5 + (isSingle ? 0 : 1) + [0, 1, 2, 4][descriptor & 3]!;
    if (head.length < sizeAt + sizeBytes) return;
    this.#hasChecksum = (descriptor & 4) !== 0;
    const windowBytes = isSingle ? contentSize(head, sizeAt, sizeBytes) : windowSize(head[5]!);
    this.#begin(0, "block", windowBytes);
  }

  #begin(left: number, state: State, windowBytes: number): void {
    this.#onFrame(windowBytes);
    this.#head = Buffer.alloc(0);
    this.#left = left;
    // One that is empty is over with its head.
    this.#state = left === 0 && state === "end" ? "frame" : state;
  }

  #readBlock(): void {
    if (this.#head.length < 3) return;
    const header = this.#head.readUIntLE(0, 3);
    this.#head = Buffer.alloc(0);
    this.#left = ((header >> 1) & 3) === RUN_LENGTH ? 1 : header >> 3;
    if ((header & 1) === 0) return;
    this.#left += this.#hasChecksum ? 4 : 0;
    this.#state = this.#left === 0 ? "frame" : "end";
  }
}

/** @param descriptor exponent in five bits, mantissa in three */
function windowSize(descriptor: number): number {
  const base = 2 ** (10 + (descriptor >> 3));
  return base + (base / 8) * (descriptor & 7);
}

/** Reads the size of a frame's content, which is also its window if the frame is one segment. */
function contentSize(head: Buffer, at: number, bytes: number): number {
  if (bytes === 8) return Number(head.readBigUInt64LE(at));
  return head.readUIntLE(at, bytes) + (bytes === 2 ? 256 : 0);
}
