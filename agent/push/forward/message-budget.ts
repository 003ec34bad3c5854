import { ForwardError } from "./forward-error.ts";

/**
 * What a message may come to whatever its size; and beyond that, in proportion to its size. Bytes that are not
 * compressed never get there: an entry takes three bytes at least, and its line eleven times as many at most.
 */
export interface MessageLimits {
  /** As it is sent. */
  readonly maxMessageBytes: number;
  readonly maxInflatedBytes: number;
  readonly maxInflationRatio: number;
  readonly maxMessageEvents: number;
}

const LEAST_ENTRY_BYTES = 3;
/** Frames of zstd each take a call of their own: an event compressed by itself is longer. */
const FRAMES = 10_000;
const LEAST_FRAME_BYTES = 32;

/** What one message has come to so far, of what it may. Nobody's memory or time is to be had for a few bytes. */
export class MessageBudget {
  readonly #limits: MessageLimits;
  #sent = 0;
  #inflated = 0;
  #lines = 0;
  #events = 0;
  #frames = 0;

  constructor(limits: MessageLimits) {
    this.#limits = limits;
  }

  /** Before anything of it is read, where its size is known. @throws ForwardError TOO_LARGE */
  announce(bytes: number): void {
    const { maxMessageBytes } = this.#limits;
    if (this.#sent + bytes <= maxMessageBytes) return;
    throw new ForwardError(
      "TOO_LARGE",
      `a message of more than ${maxMessageBytes} bytes (max_message_bytes)`,
    );
  }

  /** @throws ForwardError TOO_LARGE */
  send(bytes: number): void {
    this.announce(bytes);
    this.#sent += bytes;
  }

  /** @throws ForwardError TOO_LARGE */
  inflate(bytes: number): void {
    this.#inflated += bytes;
    this.#assertExpansion(this.#inflated, "unpacks");
  }

  /** @returns why a line of so many bytes is one too many */
  refusalOfLine(bytes: number): ForwardError | undefined {
    this.#lines += bytes;
    this.#events++;
    const { maxMessageEvents } = this.#limits;
    if (this.#events > maxMessageEvents && this.#events > this.#sent / LEAST_ENTRY_BYTES) {
      const found = `more than ${maxMessageEvents} events (max_message_events) in ${this.#sent} bytes`;
      return new ForwardError("TOO_MANY", found);
    }
    return this.#refusalOf(this.#lines, "comes");
  }

  /** @throws ForwardError TOO_MANY */
  frame(): void {
    if (++this.#frames <= FRAMES + this.#sent / LEAST_FRAME_BYTES) return;
    throw new ForwardError("TOO_MANY", `${this.#frames} frames of zstd in ${this.#sent} bytes`);
  }

  #assertExpansion(bytes: number, how: string): void {
    const refusal = this.#refusalOf(bytes, how);
    if (refusal) throw refusal;
  }

  #refusalOf(bytes: number, how: string): ForwardError | undefined {
    const { maxInflatedBytes, maxInflationRatio } = this.#limits;
    if (bytes <= maxInflatedBytes || bytes <= maxInflationRatio * this.#sent) return undefined;
    const limit = `more than ${maxInflatedBytes} bytes (max_inflated_bytes) and ${maxInflationRatio} times`;
    return new ForwardError(
      "TOO_LARGE",
      `${how} to ${limit} (max_inflation_ratio) the ${this.#sent} that were sent`,
    );
  }
}
