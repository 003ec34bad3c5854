import { encodeEvent, encodeGap } from "./frame.ts";

/** One line that was pushed to the agent. */
export interface SpoolEvent {
  readonly tag: string;
  /** Without a line feed. */
  readonly data: Buffer;
}

/** Frames that become durable together. */
export interface Batch {
  readonly frames: Buffer;
  /** Bytes of the source that they stand for. */
  readonly extent: number;
  readonly lines: number;
}

/** Bytes of frames in a batch: small beside a segment, large beside what one fdatasync costs. */
const BATCH_BYTES = 256 * 2 ** 10;

/** The frames of events, in batches. An event longer than `maxLineBytes` is cut there. */
export function* batches(events: Iterable<SpoolEvent>, maxLineBytes: number): Generator<Batch> {
  let frames: Buffer[] = [];
  let [bytes, extent, lines] = [0, 0, 0];
  for (const { tag, data } of events) {
    const isCut = data.length > maxLineBytes;
    const added = [encodeEvent(tag, isCut ? data.subarray(0, maxLineBytes) : data, isCut)];
    if (isCut) added.push(encodeGap("too-long", data.length - maxLineBytes + 1, 0));
    const addedBytes = added.reduce((sum, frame) => sum + frame.length, 0);
    if (bytes > 0 && bytes + addedBytes > BATCH_BYTES) {
      yield { frames: Buffer.concat(frames), extent, lines };
      frames = [];
      [bytes, extent, lines] = [0, 0, 0];
    }
    frames.push(...added);
    bytes += addedBytes;
    extent += data.length + 1;
    lines++;
  }
  if (bytes > 0) yield { frames: Buffer.concat(frames), extent, lines };
}
