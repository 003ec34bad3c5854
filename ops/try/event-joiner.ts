import { LINE_MAX_BYTES } from "../../lambdas/router/file-line.ts";
import type { FileLine } from "./read-lines.ts";

const LINE_FEED = Buffer.from("\n");

/** Joins lines to events, as an agent does that is told how events begin. */
export class EventJoiner {
  readonly #begins: (line: Buffer) => boolean;
  #first: FileLine | undefined;
  #pieces: Buffer[] = [];
  #bytes = 0;

  constructor(begins: (line: Buffer) => boolean) {
    this.#begins = begins;
  }

  /** @returns the event before, if this line begins another one */
  take(line: FileLine): FileLine | undefined {
    const before = this.#begins(line.data) ? this.end() : undefined;
    this.#first ??= line;
    if (this.#bytes <= LINE_MAX_BYTES) {
      this.#pieces.push(...(this.#pieces.length > 0 ? [LINE_FEED, line.data] : [line.data]));
      this.#bytes += line.data.length + LINE_FEED.length;
    }
    return before;
  }

  /** @returns the event that no line goes on with any more */
  end(): FileLine | undefined {
    const event = this.#first && { ...this.#first, data: Buffer.concat(this.#pieces) };
    [this.#first, this.#pieces, this.#bytes] = [undefined, [], 0];
    return event;
  }
}
