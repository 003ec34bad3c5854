/**
 * Layout of a zstd frame: RFC 8878, section 3.1.1, read 2026-11.
 *
 * frame := magic(u32, fd2fb528) descriptor(u8) window(u8)? dictionary(0, 1, 2 or 4) contentSize(0, 1, 2, 4 or 8)
 *          { block } checksum(u32)?
 * block := header(u24: isLast(1) type(2) size(21)) content(size bytes, of type 1 one)
 *
 * Numbers are little-endian.
 */
const MAGIC = 0xfd2fb528;
const RUN_LENGTH = 1;

/**
 * Where the frame that begins with `bytes` ends; undefined when it goes on after them. Decoders of Node differ in
 * what they do at the end of a frame: some stop there in silence, some go on with the next.
 *
 * @throws RangeError for what is no frame
 */
export function zstdFrameEnd(bytes: Buffer): number | undefined {
  if (bytes.length < 5) return undefined;
  if (bytes.readUInt32LE(0) !== MAGIC) throw new RangeError("no frame of zstd begins here");
  const descriptor = bytes[4]!;
  let at = 5 + headerBytes(descriptor);
  for (let isLast = false; !isLast;) {
    if (at + 3 > bytes.length) return undefined;
    const block = bytes.readUIntLE(at, 3);
    isLast = (block & 1) === 1;
    at += 3 + (((block >> 1) & 3) === RUN_LENGTH ? 1 : block >> 3);
  }
  if ((descriptor & 4) !== 0) at += 4;
  return at <= bytes.length ? at : undefined;
}

/** What follows the descriptor: window, id of the dictionary, and size of the content. */
function headerBytes(descriptor: number): number {
  const isSingle = (descriptor & 0x20) !== 0;
  const sizeFlag = descriptor >> 6;
  const size = sizeFlag === 0 ? (isSingle ? 1 : 0) : 1 << sizeFlag;
  return (isSingle ? 0 : 1) + [0, 1, 2, 4][descriptor & 3]! + size;
}
