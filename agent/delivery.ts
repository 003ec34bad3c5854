import type { Resume } from "./tail/line-framer.ts";

/** The lines of one source in one aggregate: acknowledged together or not at all. */
export interface Span {
  /** Where the source stands after them. */
  readonly resume: Resume;
  readonly lines: number;
  readonly bytes: number;
}

interface PendingSpan {
  readonly span: Span;
  isAcknowledged: boolean;
}

/**
 * How far a source is delivered. Kinesis acknowledges aggregates in any order; the position moves
 * only over those before which nothing is outstanding, so what it says can be relied on after a crash.
 */
export class Delivery {
  #resume: Resume;
  readonly #pending: PendingSpan[] = [];
  #lines = 0;
  #bytes = 0;

  constructor(from: Resume) {
    this.#resume = from;
  }

  /** End of the contiguous acknowledged prefix. */
  get resume(): Resume {
    return this.#resume;
  }

  get isPending(): boolean {
    return this.#pending.length > 0;
  }

  /** Acknowledged by this process, whether in the prefix yet or not. */
  get delivered(): { readonly lines: number; readonly bytes: number } {
    return { lines: this.#lines, bytes: this.#bytes };
  }

  /**
   * Takes note of the next span, in the order of the source.
   *
   * @returns what acknowledges it, once
   */
  expect(span: Span): () => void {
    const pending = { span, isAcknowledged: false };
    this.#pending.push(pending);
    return () => {
      pending.isAcknowledged = true;
      this.#lines += span.lines;
      this.#bytes += span.bytes;
      this.#advance();
    };
  }

  #advance(): void {
    while (this.#pending[0]?.isAcknowledged) this.#resume = this.#pending.shift()!.span.resume;
  }
}
