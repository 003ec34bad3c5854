import type { Framer } from "./framer.ts";
import { children, payloadBytes, readHead } from "./msgpack.ts";

/** It remembers how many values are still due, not the values: depth costs nothing. */
export class MsgpackFramer implements Framer {
  readonly #values: number;
  #left: number;
  #at = 0;

  /** @param values that follow one another and are to be found as one */
  constructor(values = 1) {
    this.#values = values;
    this.#left = values;
  }

  end(window: Buffer, start: number): number | undefined {
    while (this.#left > 0) {
      const head = readHead(window, start + this.#at);
      if (head === undefined) return undefined;
      this.#left += children(head) - 1;
      this.#at += Math.max(1, head.headBytes + payloadBytes(head));
    }
    const end = start + this.#at;
    if (end > window.length) return undefined;
    this.#left = this.#values;
    this.#at = 0;
    return end;
  }

  get leastBytes(): number {
    return this.#at + this.#left;
  }

  drop(available: number): number {
    const dropped = Math.min(this.#at, available);
    this.#at -= dropped;
    return dropped;
  }
}
