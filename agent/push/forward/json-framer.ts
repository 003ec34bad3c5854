import { ForwardError } from "./forward-error.ts";
import type { Framer } from "./framer.ts";

const [QUOTE, BACKSLASH, COMMA, LIST, LIST_END, MAP, MAP_END] = Buffer.from(
  '"\\,[]{}',
) as unknown as number[];
const BLANK_MAX = 0x20;

/** Finds where values of JSON end, of whatever kind. It knows brackets and strings, and nothing else of it. */
export class JsonFramer implements Framer {
  #at = 0;
  #depth = 0;
  #isString = false;
  #isEscaped = false;

  end(window: Buffer, start: number): number | undefined {
    for (let at = start + this.#at; at < window.length; at++) {
      const end = this.#isString ? this.#inString(window[at]!, at) : this.#outside(window[at]!, at, start);
      if (end === undefined) continue;
      this.#at = 0;
      return end;
    }
    this.#at = Math.max(0, window.length - start);
    return undefined;
  }

  get leastBytes(): number {
    return this.#at + this.#depth;
  }

  drop(available: number): number {
    const dropped = Math.min(this.#at, available);
    this.#at -= dropped;
    return dropped;
  }

  #inString(byte: number, at: number): number | undefined {
    if (this.#isEscaped) this.#isEscaped = false;
    else if (byte === BACKSLASH) this.#isEscaped = true;
    else if (byte === QUOTE) {
      this.#isString = false;
      if (this.#depth === 0) return at + 1;
    }
    return undefined;
  }

  #outside(byte: number, at: number, start: number): number | undefined {
    if (byte === QUOTE) this.#isString = true;
    else if (byte === LIST || byte === MAP) this.#depth++;
    else if (this.#depth > 0) {
      if ((byte === LIST_END || byte === MAP_END) && --this.#depth === 0) return at + 1;
    } else if (byte === COMMA || byte === LIST_END || byte === MAP_END || byte <= BLANK_MAX) {
      if (at === start) throw new ForwardError("MALFORMED", "a JSON value is missing");
      return at;
    }
    return undefined;
  }
}

/** @returns where white space ends */
export function pastBlanks(window: Buffer, at: number): number {
  while (at < window.length && window[at]! <= BLANK_MAX) at++;
  return at;
}
