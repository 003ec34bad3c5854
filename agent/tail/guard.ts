import { ownCopy } from "./own-copy.ts";

/** Enough to tell two logs apart: a line's time and what comes after it. */
export const GUARD_BYTES = 64;

/**
 * The last bytes that were read of a file. A file that was truncated and has grown past where we
 * were is longer than before, like any other: only its bytes tell that it is not the same.
 */
export interface Guard {
  /** Offset after the bytes. */
  readonly end: number;
  /** Changed in place when more is read. */
  readonly bytes: Buffer;
}

/** The same in a checkpoint. */
export interface WrittenGuard {
  readonly end: number;
  readonly base64: string;
}

/** @param start offset of the window, at most the end of the guard before it */
export function guardAfter(before: Guard | undefined, window: Buffer, start: number): Guard {
  const end = start + window.length;
  if (before?.bytes.length === GUARD_BYTES && window.length >= GUARD_BYTES) {
    window.copy(before.bytes, 0, window.length - GUARD_BYTES);
    return { end, bytes: before.bytes };
  }
  if (before === undefined || window.length >= GUARD_BYTES) {
    return { end, bytes: ownCopy(window.subarray(-GUARD_BYTES)) };
  }
  const { bytes } = before;
  const kept = bytes.subarray(0, Math.max(0, bytes.length - (before.end - start)));
  return { end, bytes: ownCopy(Buffer.concat([kept, window]).subarray(-GUARD_BYTES)) };
}
