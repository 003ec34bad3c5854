/** Enough to tell two logs apart: a line's time and what comes after it. */
export const LAST_BYTES = 64;

/**
 * The last bytes that were read of a file. A file that was truncated and has grown past where we
 * were is longer than before, like any other: only its bytes tell that it is not the same.
 */
export interface LastBytes {
  /** Offset after the bytes. */
  readonly end: number;
  /** A string takes a fifth of the memory that a buffer of so few bytes does. */
  readonly base64: string;
}

/** @param start offset of the window, at most the end of those before it */
export function lastBytesAfter(before: LastBytes | undefined, window: Buffer, start: number): LastBytes {
  const end = start + window.length;
  if (before === undefined || window.length >= LAST_BYTES) {
    return { end, base64: window.toString("base64", Math.max(0, window.length - LAST_BYTES)) };
  }
  const bytes = bytesOf(before);
  const kept = bytes.subarray(0, Math.max(0, bytes.length - (before.end - start)));
  return { end, base64: Buffer.concat([kept, window]).subarray(-LAST_BYTES).toString("base64") };
}

export function bytesOf({ base64 }: LastBytes): Buffer {
  return Buffer.from(base64, "base64");
}
