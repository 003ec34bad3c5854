/**
 * Memory that rows of a batch were in, for those of the next one. Buffers are outside of V8's heap, and megabytes of them
 * make it look for garbage: twice a batch, for a third of the time that the batch takes.
 */
export const LARGE_PIECE_BYTES = 2 ** 20;
const KEPT_PIECES = 16;
const JOINED_MAX_BYTES = 16 * 2 ** 20;

const kept: Buffer<ArrayBuffer>[] = [];
let joined = Buffer.alloc(0);

/** A large piece, whose bytes are any. */
export function largePiece(): Buffer<ArrayBuffer> {
  return kept.pop() ?? Buffer.allocUnsafeSlow(LARGE_PIECE_BYTES);
}

/** Pieces that nothing refers to any more. */
export function giveBack(pieces: readonly Buffer[]): void {
  for (const { buffer } of pieces) {
    const isKept = kept.some((piece) => piece.buffer === buffer);
    if (buffer.byteLength === LARGE_PIECE_BYTES && !isKept && kept.length < KEPT_PIECES)
      kept.push(Buffer.from(buffer as ArrayBuffer));
  }
}

/** All bytes of some pieces in one; good until the next call. */
export function join(pieces: readonly Buffer[]): Buffer {
  const bytes = pieces.reduce((sum, { length }) => sum + length, 0);
  if (bytes > JOINED_MAX_BYTES) return Buffer.concat(pieces, bytes);
  if (joined.length < bytes) joined = Buffer.allocUnsafeSlow(Math.min(JOINED_MAX_BYTES, bytes * 2));
  let at = 0;
  for (const piece of pieces) at += piece.copy(joined, at);
  return joined.subarray(0, bytes);
}
