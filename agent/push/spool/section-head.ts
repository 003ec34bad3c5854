import { crc32c } from "./crc32c.ts";

/**
 * head := "WEIRSPL4"(8) sourceId(12) offset(u64) lines(u64) crc(u32, of the 36 bytes before it)
 *
 * Numbers are little-endian. The last character of the first eight is the version; version 3 had one head
 * to a segment.
 */
const MAGIC = "WEIRSPL4";
const SOURCE_ID_CHARS = 12;
const OFFSET_AT = MAGIC.length + SOURCE_ID_CHARS;
const LINES_AT = OFFSET_AT + 8;
const CRC_AT = LINES_AT + 8;
export const HEAD_BYTES = CRC_AT + 4;

/** What a section begins with: whatever happened to the bytes before it, the frames after it have their place. */
export interface SectionHead {
  readonly sourceId: string;
  /** Where the section's first event stands in the source. */
  readonly offset: number;
  /** Of the source, before that. */
  readonly lines: number;
}

/** @param head gets it as its first bytes */
export function encodeHead(
  { sourceId, offset, lines }: SectionHead,
  head: Buffer = Buffer.alloc(HEAD_BYTES),
): Buffer {
  head.write(MAGIC + sourceId, "latin1");
  head.writeBigUInt64LE(BigInt(offset), OFFSET_AT);
  head.writeBigUInt64LE(BigInt(lines), LINES_AT);
  head.writeUInt32LE(crc32c(head, 0, CRC_AT), CRC_AT);
  return head;
}

/** What every head of a source begins with. */
export function headMark(sourceId: string): Buffer {
  return Buffer.from(MAGIC + sourceId, "latin1");
}

/** @returns undefined when there is none */
export function decodeHead(window: Buffer, at: number): SectionHead | undefined {
  if (at + HEAD_BYTES > window.length) return undefined;
  if (window.toString("latin1", at, at + MAGIC.length) !== MAGIC) return undefined;
  if (!isWhole(window, at)) return undefined;
  return {
    sourceId: window.toString("latin1", at + MAGIC.length, at + OFFSET_AT),
    offset: Number(window.readBigUInt64LE(at + OFFSET_AT)),
    lines: Number(window.readBigUInt64LE(at + LINES_AT)),
  };
}

/**
 * Heads of other versions are as long, and have their CRC in the same place: without it, one is damaged.
 *
 * @throws where these are the first bytes of a segment of another version: it may hold what was acknowledged
 */
export function assertVersion(bytes: Buffer): void {
  const magic = bytes.toString("latin1", 0, MAGIC.length);
  if (magic !== MAGIC && /^WEIRSPL\d$/.test(magic) && isWhole(bytes, 0))
    throw new Error(`a segment of version ${magic.at(-1)}, of which this agent knows ${MAGIC.at(-1)}`);
}

function isWhole(window: Buffer, at: number): boolean {
  return crc32c(window, at, at + CRC_AT) === window.readUInt32LE(at + CRC_AT);
}
