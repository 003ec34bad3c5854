import { children, payloadBytes, readHead } from "./msgpack.ts";

/**
 * Finds where values end in a stream that comes in pieces. It remembers how many values are still
 * due, not the values, so each byte is looked at once and depth costs nothing.
 */
export class MsgpackFramer {
  #left = 1;
  #at = 0;

  /**
   * @param bytes of the stream from the beginning of a value; the same and more at the next call
   * @returns where the value ends, undefined when it does not yet
   * @throws ForwardError MALFORMED
   */
  end(bytes: Buffer): number | undefined {
    while (this.#left > 0) {
      const head = readHead(bytes, this.#at);
      if (head === undefined) return undefined;
      this.#left += children(head) - 1;
      this.#at += Math.max(1, head.headBytes + payloadBytes(head));
    }
    if (this.#at > bytes.length) return undefined;
    const end = this.#at;
    this.#left = 1;
    this.#at = 0;
    return end;
  }

  /** Bytes that the value has at least, by what is known of it. */
  get leastBytes(): number {
    return this.#at + this.#left;
  }
}
