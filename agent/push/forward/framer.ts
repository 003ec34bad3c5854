/** Finds where values end in a stream that comes in pieces. Each byte is looked at once, however many there are. */
export interface Framer {
  /**
   * @param start where the value begins in the window; at the next call there may be more after it
   * @returns where it ends, undefined when it does not yet
   * @throws ForwardError MALFORMED
   */
  end(window: Buffer, start: number): number | undefined;
  /** Bytes that the value has at least, by what is known of it. */
  readonly leastBytes: number;
  /** Bytes of it that were looked at and need not be kept. @param available of it in the window */
  drop(available: number): number;
}
