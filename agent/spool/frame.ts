import { RECORD_MAX_BYTES } from "../../wire/limits.ts";
import type { GapReason } from "../../wire/provenance.ts";
import { crc32c } from "./crc32c.ts";

/**
 * segment := head { frame }
 * head    := "WEIRSPL2"(8) sourceId(12) offset(u64) crc(u32, of the 28 bytes before it)
 * frame   := length(u32, of body) crc(u32, of body) body
 * body    := 1 tagLength(u8) tag data    an event; stands for data.length + 1 bytes of the source
 *          | 2 tagLength(u8) tag data    an event that was cut; stands for data.length bytes
 *          | 3 bytes(u64) lines(u64)     left out because the spool was full
 *          | 4 bytes(u64) lines(u64)     the rest of the event before, which was too long
 *
 * Numbers are little-endian. `offset` is where the segment's first event stands in the source.
 *
 * Every checksum is a CRC-32C. The last character of the first eight is the version; version 1 had other
 * checksums. A body is never empty, so zeroed blocks are no frames.
 */
const MAGIC = "WEIRSPL2";
export const SOURCE_ID_CHARS = 12;
const HEAD_CRC_AT = MAGIC.length + SOURCE_ID_CHARS + 8;
export const HEAD_BYTES = HEAD_CRC_AT + 4;

const PREFIX_BYTES = 8;
const GAP_BODY_BYTES = 1 + 8 + 8;
const KIND = { event: 1, cut: 2, overflow: 3, "too-long": 4 } as const;

/** No body is longer: an event fits a record, and so does its frame. */
const BODY_MAX_BYTES = RECORD_MAX_BYTES - PREFIX_BYTES;

export interface SegmentHead {
  readonly sourceId: string;
  readonly offset: number;
}

interface EventFrame {
  readonly kind: "event";
  readonly tag: string;
  /** The event is window[start, end). */
  readonly start: number;
  readonly end: number;
  /** Bytes of the source that it stands for. */
  readonly extent: number;
  /** Where the next frame begins. */
  readonly next: number;
}

interface GapFrame {
  readonly kind: "gap";
  readonly reason: GapReason;
  readonly extent: number;
  readonly lines: number;
  readonly next: number;
}

export type Frame = EventFrame | GapFrame;

export function encodeHead({ sourceId, offset }: SegmentHead): Buffer {
  const head = Buffer.alloc(HEAD_BYTES);
  head.write(MAGIC + sourceId, "latin1");
  head.writeBigUInt64LE(BigInt(offset), MAGIC.length + SOURCE_ID_CHARS);
  head.writeUInt32LE(crc32c(head, 0, HEAD_CRC_AT), HEAD_CRC_AT);
  return head;
}

/**
 * @returns undefined when these are not the first bytes of a segment
 * @throws when they are those of another version: it may hold what was acknowledged
 */
export function decodeHead(head: Buffer): SegmentHead | undefined {
  const magic = head.toString("latin1", 0, MAGIC.length);
  if (magic !== MAGIC && /^WEIRSPL\d$/.test(magic)) {
    throw new Error(`a segment of version ${magic.at(-1)}, of which this agent knows ${MAGIC.at(-1)}`);
  }
  if (head.length < HEAD_BYTES || magic !== MAGIC) return undefined;
  if (crc32c(head, 0, HEAD_CRC_AT) !== head.readUInt32LE(HEAD_CRC_AT)) return undefined;
  const sourceId = head.toString("latin1", MAGIC.length, MAGIC.length + SOURCE_ID_CHARS);
  return { sourceId, offset: Number(head.readBigUInt64LE(MAGIC.length + SOURCE_ID_CHARS)) };
}

/** @param tag at most 255 characters of ASCII */
export function encodeEvent(tag: string, data: Buffer, isCut: boolean): Buffer {
  const frame = Buffer.allocUnsafe(PREFIX_BYTES + 2 + tag.length + data.length);
  frame[PREFIX_BYTES] = isCut ? KIND.cut : KIND.event;
  frame[PREFIX_BYTES + 1] = tag.length;
  frame.write(tag, PREFIX_BYTES + 2, "latin1");
  data.copy(frame, PREFIX_BYTES + 2 + tag.length);
  return sealed(frame);
}

export function encodeGap(reason: "overflow" | "too-long", bytes: number, lines: number): Buffer {
  const frame = Buffer.allocUnsafe(PREFIX_BYTES + GAP_BODY_BYTES);
  frame[PREFIX_BYTES] = KIND[reason];
  frame.writeBigUInt64LE(BigInt(bytes), PREFIX_BYTES + 1);
  frame.writeBigUInt64LE(BigInt(lines), PREFIX_BYTES + 9);
  return sealed(frame);
}

function sealed(frame: Buffer): Buffer {
  frame.writeUInt32LE(frame.length - PREFIX_BYTES, 0);
  frame.writeUInt32LE(crc32c(frame, PREFIX_BYTES, frame.length), 4);
  return frame;
}

/** @returns "partial" when the window ends before the frame does, "torn" when there is no frame */
export function decodeFrame(window: Buffer, at: number): Frame | "partial" | "torn" {
  const start = at + PREFIX_BYTES;
  if (start > window.length) return "partial";
  const length = window.readUInt32LE(at);
  if (length < 2 || length > BODY_MAX_BYTES) return "torn";
  const next = start + length;
  if (next > window.length) return "partial";
  if (crc32c(window, start, next) !== window.readUInt32LE(at + 4)) return "torn";
  const kind = window[start];
  if (kind === KIND.event || kind === KIND.cut) {
    const tagEnd = 2 + window[start + 1]!;
    if (tagEnd > length) return "torn";
    const extent = length - tagEnd + (kind === KIND.event ? 1 : 0);
    return {
      kind: "event",
      tag: window.toString("latin1", start + 2, start + tagEnd),
      start: start + tagEnd,
      end: next,
      extent,
      next,
    };
  }
  if ((kind !== KIND.overflow && kind !== KIND["too-long"]) || length !== GAP_BODY_BYTES) return "torn";
  const [extent, lines] = [
    Number(window.readBigUInt64LE(start + 1)),
    Number(window.readBigUInt64LE(start + 9)),
  ];
  return { kind: "gap", reason: kind === KIND.overflow ? "overflow" : "too-long", extent, lines, next };
}

/** Lines of the source that a frame accounts for. */
export function linesOf(frame: Frame): number {
  return frame.kind === "event" ? 1 : frame.lines;
}
