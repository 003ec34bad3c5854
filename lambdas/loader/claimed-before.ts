import { commitMinutePrefix } from "../../wire/keys.ts";
import type { SegmentHead } from "../../wire/segment.ts";
import type { ClaimedBefore } from "./state.ts";

/**
 * The commits that a table had claimed before there was a log. They come again, since the log begins with all
 * commits of the lake, and are left out by their keys: what a listing of the lake found, and this table's own
 * listings before. What only a sweep found appeared too late for those, and is loaded; so is what was set aside.
 */
export class BeforeTheLog {
  readonly #cursor: string;
  readonly #claimed: ReadonlySet<string>;
  readonly #setAside: ReadonlySet<string>;
  readonly #last: string;

  constructor({ cursor, claimed, setAside }: ClaimedBefore) {
    this.#cursor = cursor;
    this.#claimed = new Set(claimed);
    this.#setAside = new Set(setAside);
    this.#last = claimed.reduce((last, key) => (key > last ? key : last), cursor);
  }

  has(key: string, { found }: Pick<SegmentHead, "found">): boolean {
    if (found === "sweep" || this.#setAside.has(key)) return false;
    return key < this.#cursor || this.#claimed.has(key);
  }

  /** Whether all commits of a segment were claimed, as far as its head tells. */
  hasAll({ found, opaque, newest }: SegmentHead): boolean {
    if (found === "sweep" || opaque > 0 || this.#setAside.size > 0 || newest === undefined) return false;
    return commitMinutePrefix(new Date(newest)) < this.#cursor;
  }

  /** Whether the log has brought all of them once this segment is read. */
  isPast({ coveredTo }: SegmentHead): boolean {
    return coveredTo > this.#last;
  }
}
