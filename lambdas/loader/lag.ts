import type { SegmentHead } from "../../wire/segment.ts";
import type { Cursor } from "../commit-log/cursor.ts";
import { BeforeTheLog } from "./claimed-before.ts";
import { isBadSegment, type ReadableLog } from "./read-log.ts";
import { minuteOf } from "./set-aside.ts";
import type { TableState } from "./state.ts";

/** Since when tables wait for what they have not loaded. Most of them stand at the same place of the log. */
export class Lag {
  readonly #log: ReadableLog;
  readonly #heads = new Map<number, Promise<SegmentHead | undefined>>();

  constructor(log: ReadableLog) {
    this.#log = log;
  }

  /** @returns minute of the oldest commit that a table has not loaded, undefined where there is none */
  async since({ load, setAside, cursor, before }: TableState): Promise<string | undefined> {
    // What is tried again is told as set aside, for as long as it is.
    const loading = load?.retries === undefined ? load?.oldestCommitAt : undefined;
    const [oldest] = [loading, ...setAside.map(({ oldestAt }) => oldestAt)]
      .filter((at) => at !== undefined)
      .toSorted();
    return oldest ?? this.#ahead(cursor, before && new BeforeTheLog(before));
  }

  /** What is next in the log may have nothing for the table: who reads on will know. */
  async #ahead(cursor: Cursor, before: BeforeTheLog | undefined): Promise<string | undefined> {
    try {
      const head = await this.#head(cursor.segment);
      if (head === undefined || before?.hasAll(head)) return undefined;
      if (cursor.index === 0) return head.oldest ?? head.sequencedAt;
      for await (const { key } of this.#log.read(cursor)) return minuteOf(key).oldestAt ?? head.sequencedAt;
      return undefined;
    } catch (error) {
      if (isBadSegment(error)) return undefined; // set aside by whoever reads on
      throw error;
    }
  }

  #head(segment: number): Promise<SegmentHead | undefined> {
    const known = this.#heads.get(segment);
    if (known) return known;
    const head = this.#log.head(segment);
    this.#heads.set(segment, head);
    return head;
  }
}
