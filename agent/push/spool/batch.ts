import { encodeGap, linesAt, sealLines } from "./frame.ts";
import { HEAD_BYTES } from "./section-head.ts";

/** One line that was pushed to the agent. */
export interface SpoolEvent {
  readonly tag: string;
  /** Without a line feed, and good until the next event is asked for. */
  readonly data: Buffer;
  /** Bytes of it that were left out after those: a part of the source all the same. */
  readonly missingBytes?: number | undefined;
}

/** Frames that become durable together. */
export interface Batch {
  /** Room for a head, and the frames: what is written by itself is not copied once more. */
  readonly section: Buffer;
  readonly frames: Buffer;
  /** Bytes of the source that they stand for. */
  readonly extent: number;
  readonly lines: number;
}

/** Bytes of frames in a batch: small beside a segment, large beside what one fdatasync costs. */
const BATCH_BYTES = 256 * 2 ** 10;

const LINE_FEED = 10;

/** Puts events into frames, those of one tag that follow one another into one, and frames into batches. */
export class Batcher {
  /** Copied from for each batch: most are far smaller. */
  #buffer = Buffer.allocUnsafe(BATCH_BYTES);
  #length = HEAD_BYTES;
  #extent = 0;
  #lines = 0;
  /** Of the frame that is not sealed yet. */
  #tag: string | undefined;
  #frameAt = 0;
  #frameLines = 0;

  /** An event longer than `maxLineBytes` is cut there. What else is asked for meanwhile spoils it. */
  *batches(events: Iterable<SpoolEvent>, maxLineBytes: number): Generator<Batch> {
    this.#clear();
    for (const { tag, data, missingBytes = 0 } of events) {
      const isCut = data.length > maxLineBytes || missingBytes > 0;
      const kept = isCut ? data.subarray(0, maxLineBytes) : data;
      const bytes = linesAt(tag) + kept.length + 1;
      if (this.#lines > 0 && this.#length + bytes > BATCH_BYTES) yield this.#take();
      this.#reserve(bytes);
      if (isCut || tag !== this.#tag) this.#begin(tag);
      this.#length += kept.copy(this.#buffer, this.#length);
      this.#frameLines++;
      this.#lines++;
      this.#extent += data.length + missingBytes + 1;
      if (isCut) this.#cut(data.length - kept.length + missingBytes + 1);
      else this.#buffer[this.#length++] = LINE_FEED;
    }
    if (this.#lines > 0) yield this.#take();
  }

  #begin(tag: string): void {
    this.#seal(false);
    this.#tag = tag;
    this.#frameAt = this.#length;
    this.#length += linesAt(tag);
  }

  /** An event that is cut has a frame of its own, and after it what is missing, its line feed included. */
  #cut(missingBytes: number): void {
    this.#seal(true);
    const gap = encodeGap("too-long", missingBytes, 0);
    this.#reserve(gap.length);
    this.#length += gap.copy(this.#buffer, this.#length);
  }

  #seal(isCut: boolean): void {
    if (this.#tag === undefined) return;
    const frame = this.#buffer.subarray(this.#frameAt, this.#length);
    sealLines(frame, this.#tag, this.#frameLines, isCut);
    this.#tag = undefined;
    this.#frameLines = 0;
  }

  #take(): Batch {
    this.#seal(false);
    const section = Buffer.from(this.#buffer.subarray(0, this.#length));
    const batch = { section, frames: section.subarray(HEAD_BYTES), extent: this.#extent, lines: this.#lines };
    this.#clear();
    return batch;
  }

  #clear(): void {
    this.#tag = undefined;
    this.#length = HEAD_BYTES;
    this.#extent = this.#lines = this.#frameLines = 0;
  }

  /** The longest event is longer than a batch. */
  #reserve(bytes: number): void {
    const needed = this.#length + bytes;
    if (needed <= this.#buffer.length) return;
    const grown = Buffer.allocUnsafe(needed);
    this.#buffer.copy(grown, 0, 0, this.#length);
    this.#buffer = grown;
  }
}
