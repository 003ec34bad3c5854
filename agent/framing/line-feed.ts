/** How a line ends: a line feed, in as many bytes as a code unit of the encoding has. */
export class LineFeed {
  readonly bytes: Buffer;

  constructor(bytes: Buffer) {
    this.bytes = bytes;
  }

  /** Bytes of a code unit. They are aligned in the file, so that half of one is never taken for a line feed. */
  get unitBytes(): number {
    return this.bytes.length;
  }

  /** @param offset of the window in its source */
  indexIn(window: Buffer, from: number, offset: number): number {
    if (this.unitBytes === 1) return window.indexOf(this.bytes[0]!, from);
    let at = window.indexOf(this.bytes, from);
    while (at !== -1 && (offset + at) % this.unitBytes !== 0) at = window.indexOf(this.bytes, at + 1);
    return at;
  }

  /** Whether bytes that end at an offset of the source end a line. */
  isEndOf(bytes: Buffer, offset: number): boolean {
    return offset % this.unitBytes === 0 && bytes.subarray(-this.unitBytes).equals(this.bytes);
  }
}

export const LINE_FEED = new LineFeed(Buffer.from("\n"));
