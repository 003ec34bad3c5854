import type { Resume } from "../framing/line-framer.ts";

interface Span {
  /** Where the source stands after it. */
  readonly resume: Resume;
  isAcknowledged: boolean;
}

/**
 * How far a source is delivered. Kinesis acknowledges aggregates in any order; the position moves
 * only over those before which nothing is outstanding, so what it says can be relied on after a crash.
 */
export class Delivery {
  #resume: Resume;
  #pending: Span[] = [];

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

  /**
   * Takes note of a span of lines on its way, in the order of the source.
   *
   * @param resume where the source stands after it
   * @returns what acknowledges it
   */
  expect(resume: Resume): () => void {
    const span = { resume, isAcknowledged: false };
    this.#pending.push(span);
    return () => {
      span.isAcknowledged = true;
      while (this.#pending[0]?.isAcknowledged) this.#moveTo(this.#pending.shift()!.resume);
      // An array that was emptied keeps the room it had.
      if (this.#pending.length === 0) this.#pending = [];
    };
  }

  /** Where a source has several tags, an aggregate tells of each on its own, in no order. */
  #moveTo(resume: Resume): void {
    if (resume.offset >= this.#resume.offset) this.#resume = resume;
  }
}
