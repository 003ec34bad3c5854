import { RECORD_MAX_BYTES } from "../../../wire/limits.ts";
import type { GapReason } from "../../../wire/provenance.ts";
import { crc32c } from "./crc32c.ts";
import { decodeHead, HEAD_BYTES } from "./section-head.ts";

/**
 * segment := section { section }
 * section := head { frame }                               what was written together, once all before it was synced
 * frame   := length(u32, of body) crc(u32, of body) body
 * body    := 1 tagLength(u8) lines(u32) tag { line LF }    events; stand for as many bytes of the source
 *          | 2 tagLength(u8) lines(u32) tag data           one event that was cut; stands for data.length bytes
 *          | 3 bytes(u64) lines(u64)                       left out because the spool was full
 *          | 4 bytes(u64) lines(u64)                       the rest of the event before, which was too long
 *
 * section-head.ts has the head, which says where in the source its section begins. So a frame that cannot be
 * read was on disk if there is a head anywhere after it, and costs the rest of its section and no more.
 *
 * Numbers are little-endian, every checksum is a CRC-32C. A body is never empty, so zeroed blocks are no
 * frames; none is as long as a head would make it.
 */
const PREFIX_BYTES = 8;
const GAP_BODY_BYTES = 1 + 8 + 8;
/** Of a body, before the tag. */
const LINES_HEAD_BYTES = 1 + 1 + 4;
const KIND = { lines: 1, cut: 2, overflow: 3, "too-long": 4 } as const;

/** No body is longer: an event fits a record, and so does its frame. */
const BODY_MAX_BYTES = RECORD_MAX_BYTES - PREFIX_BYTES;

interface LinesFrame {
  readonly kind: "lines";
  readonly tag: string;
  /** The events are window[start, end), line feeds between them. */
  readonly start: number;
  readonly end: number;
  readonly lines: number;
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

/** Where the frames after it stand: at `offset`, unless something before it is lost. */
interface HeadFrame {
  readonly kind: "head";
  readonly offset: number;
  /** Lines of the source before `offset`. */
  readonly sourceLines: number;
  readonly extent: 0;
  readonly lines: 0;
  readonly next: number;
}

export type Frame = LinesFrame | GapFrame | HeadFrame;

/** Bytes of a frame of events before the first of them. @param tag at most 255 characters of ASCII */
export function linesAt(tag: string): number {
  return PREFIX_BYTES + LINES_HEAD_BYTES + tag.length;
}

/** Makes a frame of events of bytes that have room for its head before them. */
export function sealLines(frame: Buffer, tag: string, lines: number, isCut: boolean): void {
  frame[PREFIX_BYTES] = isCut ? KIND.cut : KIND.lines;
  frame[PREFIX_BYTES + 1] = tag.length;
  frame.writeUInt32LE(lines, PREFIX_BYTES + 2);
  frame.write(tag, PREFIX_BYTES + LINES_HEAD_BYTES, "latin1");
  seal(frame);
}

export function encodeGap(reason: "overflow" | "too-long", bytes: number, lines: number): Buffer {
  const frame = Buffer.allocUnsafe(PREFIX_BYTES + GAP_BODY_BYTES);
  frame[PREFIX_BYTES] = KIND[reason];
  frame.writeBigUInt64LE(BigInt(bytes), PREFIX_BYTES + 1);
  frame.writeBigUInt64LE(BigInt(lines), PREFIX_BYTES + 9);
  seal(frame);
  return frame;
}

function seal(frame: Buffer): void {
  frame.writeUInt32LE(frame.length - PREFIX_BYTES, 0);
  frame.writeUInt32LE(crc32c(frame, PREFIX_BYTES, frame.length), 4);
}

/** @returns "partial" when the window ends before the frame does, "torn" when there is neither frame nor head */
export function decodeFrame(window: Buffer, at: number): Frame | "partial" | "torn" {
  const start = at + PREFIX_BYTES;
  if (start > window.length) return "partial";
  const length = window.readUInt32LE(at);
  if (length > BODY_MAX_BYTES) return headFrame(window, at);
  if (length < 2) return "torn";
  const next = start + length;
  if (next > window.length) return "partial";
  if (crc32c(window, start, next) !== window.readUInt32LE(at + 4)) return "torn";
  const kind = window[start];
  if (kind === KIND.lines || kind === KIND.cut) return decodeLines(window, start, next);
  if ((kind !== KIND.overflow && kind !== KIND["too-long"]) || length !== GAP_BODY_BYTES) return "torn";
  const [extent, lines] = [
    Number(window.readBigUInt64LE(start + 1)),
    Number(window.readBigUInt64LE(start + 9)),
  ];
  return { kind: "gap", reason: kind === KIND.overflow ? "overflow" : "too-long", extent, lines, next };
}

function headFrame(window: Buffer, at: number): HeadFrame | "partial" | "torn" {
  const head = decodeHead(window, at);
  if (head === undefined) return at + HEAD_BYTES > window.length ? "partial" : "torn";
  return {
    kind: "head",
    offset: head.offset,
    sourceLines: head.lines,
    extent: 0,
    lines: 0,
    next: at + HEAD_BYTES,
  };
}

function decodeLines(window: Buffer, start: number, next: number): Frame | "torn" {
  if (next - start < LINES_HEAD_BYTES) return "torn";
  const tagAt = start + LINES_HEAD_BYTES;
  const linesAt = tagAt + window[start + 1]!;
  const lineFeedBytes = window[start] === KIND.lines ? 1 : 0;
  if (linesAt + lineFeedBytes > next) return "torn";
  return {
    kind: "lines",
    tag: window.toString("latin1", tagAt, linesAt),
    start: linesAt,
    end: next - lineFeedBytes,
    lines: window.readUInt32LE(start + 2),
    extent: next - linesAt,
    next,
  };
}
